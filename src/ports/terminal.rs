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
