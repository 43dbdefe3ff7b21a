//! Damage that the check in the background found: said once, and the record goes on in a new epoch.

use super::{Core, Ears};
use record::{Draft, Line, Trouble};

impl Core {
    /// A closed segment does not hold. Where an epoch already says so, only the screen does.
    pub(in crate::daemon) async fn damaged(
        &mut self,
        damaged: super::Damaged,
        ears: &mut Ears,
    ) -> Result<(), Trouble> {
        let super::Damaged { segment, found } = damaged;
        // A compressed segment is named by its plain name too.
        let known = self.links.index.kept(&["epoch"]).await?;
        let told = known.iter().any(|kept| {
            let line = Line::read(&kept.line).ok();
            line.and_then(|line| line.data_text("found"))
                .is_some_and(|text| text.contains(&segment))
        });
        let words = Trouble::new("ledger-damaged", format!("a closed segment does not hold: {found}"))
            .at(self.disk.path().join(&segment).display())
            .means(
                "nothing is overwritten; every other page holds and is delivered, and the break stays visible for ever",
            )
            .so("run `steelyard verify` on the ledger, keep the files as they are, and tell quality");
        self.alarm(words);
        if told {
            return Ok(());
        }
        // The epoch says where the one before it ended, so nothing may be under way.
        self.settle(ears).await?;
        let now = self.clock.now();
        let (page, seq) = (self.state.last_page, self.recorder.next() - 1);
        let draft = Draft::new("epoch", now)
            .with("because", "damage")
            .with("last_page", page)
            .with("last_seq", seq)
            .data("found", found);
        self.enter(draft).map(drop)
    }
}
