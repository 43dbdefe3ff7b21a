//! The terminal a person types at.

/// While it lives, the terminal shows nothing of what is typed.
pub struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    /// Begins to hide what is typed on standard input.
    pub fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let input = std::io::stdin();
        let Ok(before) = tcgetattr(&input) else {
            return Self(None);
        };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // holds because a terminal that cannot be made quiet is still a terminal
        let _ = tcsetattr(&input, OptionalActions::Flush, &quiet);
        Self(Some(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // holds because there is nothing else to do about it
            let _ =
                rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Flush, before);
        }
    }
}

/// Keys as they are pressed, one by one and unseen, until it is dropped.
pub struct Keys {
    before: rustix::termios::Termios,
    pressed: tokio::sync::mpsc::UnboundedReceiver<u8>,
}

impl Keys {
    /// Begins to take keys from standard input; `None` where that is no terminal.
    pub fn begin() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let input = std::io::stdin();
        let before = tcgetattr(&input).ok()?;
        let mut raw = before.clone();
        // Ctrl-C comes as a key, so that whoever hears it can put the terminal back as it was.
        raw.local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&input, OptionalActions::Flush, &raw).ok()?;
        let (out, pressed) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            use std::io::Read;
            for byte in std::io::stdin().lock().bytes().map_while(Result::ok) {
                if out.send(byte).is_err() {
                    return;
                }
            }
        });
        Some(Self { before, pressed })
    }

    /// The next key.
    pub async fn next(&mut self) -> Option<u8> {
        self.pressed.recv().await
    }

    /// A line, shown while it is typed; `None` when it was given up with Escape or Ctrl-C.
    pub async fn line(&mut self, prompt: &str) -> Option<String> {
        self.typed(prompt, true).await
    }

    /// A line that is not shown.
    pub async fn hidden(&mut self, prompt: &str) -> Option<String> {
        self.typed(prompt, false).await
    }

    async fn typed(&mut self, prompt: &str, shown: bool) -> Option<String> {
        show(prompt);
        let mut line: Vec<u8> = Vec::new();
        loop {
            match self.next().await? {
                b'\r' | b'\n' => {
                    show("\n");
                    return Some(String::from_utf8_lossy(&line).trim().to_owned());
                }
                3 | 4 | 27 => {
                    show("\n");
                    return None;
                }
                8 | 127 => while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {},
                byte if byte >= 32 => line.push(byte),
                _ => continue,
            }
            if shown && let Ok(text) = std::str::from_utf8(&line) {
                show(&format!("\r\x1b[K{prompt}{text}"));
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // holds because there is nothing else to do about it
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Columns and rows of the terminal; 80 × 24 where it does not say.
pub fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        }
        _ => (80, 24),
    }
}

/// Puts text on the terminal at once. A closed one is no trouble: nobody looks.
pub fn show(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
