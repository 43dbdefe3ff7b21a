//! One act of the record store: pages that wait are judged together, kept in one commit, and only then
//! receipted.

use super::judge::{self, Arrived, Decision, Enrolment, Opened, Reason};
use crate::flow::needs::{ForkRow, Handover, Held, PageId, PageRow, PageStore, QuarantineRow, Standing};
use crate::flow::outbox::FORK;
use record::{Hash, Receipt, Refusal, Signer, Stamp, Trouble};

/// A damaged page that comes like this so often is not damaged on its way.
const DAMAGED_FOR_GOOD: u64 = 3;

/// What an act made of its pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Made {
    /// Pages stored now.
    pub pages: u64,
    /// Entries on them.
    pub entries: u64,
    /// Pages that were stored already.
    pub known: u64,
    /// Pages whose key is announced by a page that has not come yet.
    pub early: u64,
    /// Pages that contradict one that is held.
    pub forks: u64,
    /// Pages that were not stored, for another reason.
    pub refused: u64,
}

/// A word to a gateway: its name, and the signed line.
pub type Reply = (String, Vec<u8>);

/// Something that is not stored: as it is kept, what its seal claims, and why.
struct Aside {
    row: QuarantineRow,
    claims: Option<(PageId, Hash)>,
    reason: Reason,
}

/// What is to be written, and what is to be said once it is.
#[derive(Default)]
struct Plan {
    made: Made,
    pages: Vec<PageRow>,
    handovers: Vec<Handover>,
    forks: Vec<ForkRow>,
    aside: Vec<Aside>,
    receipts: Vec<Receipt>,
    refusals: Vec<Refusal>,
}

/// Takes pages: judges, keeps, commits, and says what is to be said. On trouble nothing of it counts,
/// and nothing is said; the gateways send it again.
pub async fn take(
    store: &dyn PageStore,
    enrolment: &Enrolment,
    signer: &dyn Signer,
    arrived: Vec<Arrived>,
    now: Stamp,
) -> Result<(Made, Vec<Reply>), Trouble> {
    let ids: Vec<PageId> = arrived.iter().filter_map(id).collect();
    let mut work = store.begin().await?;
    let mut standing = work.standing(&ids).await?;
    let mut plan = Plan::default();
    for one in arrived {
        plan.judge(enrolment, &mut standing, one, now);
    }
    if !plan.pages.is_empty() {
        let taken = work.keep(&plan.pages).await?;
        plan.overtaken(&taken, now);
    }
    for handover in &plan.handovers {
        work.hand_over(handover).await?;
    }
    for fork in &plan.forks {
        work.fork(fork).await?;
    }
    for Aside { row, claims, reason } in &plan.aside {
        let times = work.set_aside(row).await?;
        if let Some((id, seal)) = claims
            .as_ref()
            .filter(|_| reason.at_once || times >= DAMAGED_FOR_GOOD)
        {
            plan.refusals.push(refusal(id, *seal, now, reason.words.clone()));
        }
    }
    work.commit().await?;
    let mut replies = Vec::with_capacity(plan.receipts.len() + plan.refusals.len());
    for receipt in &plan.receipts {
        replies.push((receipt.gateway.clone(), receipt.write(signer)?));
    }
    for refusal in &plan.refusals {
        replies.push((refusal.page.gateway.clone(), refusal.write(signer)?));
    }
    Ok((plan.made, replies))
}

/// What is in quarantine only because of what people had decided is judged again by what they decide
/// now; what holds is kept, and receipted.
pub async fn reconsider(
    store: &dyn PageStore,
    enrolment: &Enrolment,
    signer: &dyn Signer,
    now: Stamp,
) -> Result<(Made, Vec<Reply>), Trouble> {
    let (mut made, mut replies) = (Made::default(), Vec::new());
    let mut rows = store.quarantine(u32::MAX).await?;
    rows.retain(|row| judge::BY_PEOPLE.contains(&row.reason.as_str()));
    rows.reverse();
    for row in rows {
        let arrived = judge::open(&row.gateway, row.bytes.clone());
        let Arrived::Page(page) = &arrived else { continue };
        let mut work = store.begin().await?;
        let standing = work.standing(std::slice::from_ref(page.id())).await?;
        drop(work);
        if !matches!(
            judge::next(enrolment, &standing, page),
            Decision::Store(_) | Decision::Known(_)
        ) {
            continue;
        }
        let (one, said) = take(store, enrolment, signer, vec![arrived], now).await?;
        let mut work = store.begin().await?;
        work.release(&row).await?;
        work.commit().await?;
        made.add(one);
        replies.extend(said);
    }
    Ok((made, replies))
}

fn id(arrived: &Arrived) -> Option<PageId> {
    match arrived {
        Arrived::Page(page) => Some(page.id().clone()),
        Arrived::Damaged { .. } => None,
    }
}

impl Plan {
    fn judge(&mut self, enrolment: &Enrolment, standing: &mut Standing, arrived: Arrived, now: Stamp) {
        match arrived {
            Arrived::Page(page) => {
                let decision = judge::next(enrolment, standing, &page);
                judge::remember(standing, &page, &decision, now);
                self.carry_out(*page, decision, now);
            }
            Arrived::Damaged {
                seal,
                gateway,
                why,
                bytes,
            } => {
                let reason = judge::damage(&why);
                self.made.refused += 1;
                self.aside.push(Aside {
                    row: judge::set_aside(gateway, bytes, &reason, now),
                    claims: seal,
                    reason,
                });
            }
        }
    }

    /// Pages whose place another process took between the judgement and the writing: the same page is known, another
    /// one contradicts what is held, and is never receipted.
    fn overtaken(&mut self, taken: &[(PageId, Held)], now: Stamp) {
        for (id, held) in taken {
            let Some(at) = self.pages.iter().position(|page| page.id == *id) else {
                continue;
            };
            let page = self.pages.swap_remove(at);
            self.made.pages -= 1;
            self.made.entries -= page.entries.len() as u64;
            self.handovers.retain(|handover| handover.at != *id);
            let said = |receipt: &Receipt| of(receipt) == *id && receipt.seal == page.seal;
            if held.seal == page.seal {
                self.made.known += 1;
                self.receipts
                    .iter_mut()
                    .filter(|receipt| said(receipt))
                    .for_each(|receipt| receipt.stored = held.stored);
            } else {
                self.receipts.retain(|receipt| !said(receipt));
                self.contradicts(id, page.seal, held, now);
                self.forks.push(ForkRow {
                    id: page.id,
                    seal: page.seal,
                    heard: now,
                    bytes: page.bytes,
                });
            }
        }
    }

    fn contradicts(&mut self, id: &PageId, seal: Hash, held: &Held, now: Stamp) {
        self.made.forks += 1;
        let words = format!(
            "{FORK}page {} of epoch {} is held here with another seal, {}; one of the two was never to be",
            id.page, id.epoch, held.seal
        );
        self.refusals.push(refusal(id, seal, now, words));
    }

    fn carry_out(&mut self, page: Opened, decision: Decision, now: Stamp) {
        let (id, seal) = (page.id().clone(), page.hash());
        match decision {
            Decision::Store(handover) => {
                self.made.pages += 1;
                self.made.entries += page.count();
                self.receipts.push(receipt(&id, seal, now));
                self.handovers.extend(handover.map(|handover| *handover));
                self.pages.push(page.into_row(now));
            }
            Decision::Known(held) => {
                self.made.known += 1;
                self.receipts.push(receipt(&id, seal, held.stored));
            }
            Decision::Fork(held) => {
                self.contradicts(&id, seal, &held, now);
                self.forks.push(page.into_fork(now));
            }
            Decision::Early => self.made.early += 1,
            Decision::Refuse(reason) => {
                self.made.refused += 1;
                self.aside.push(Aside {
                    row: page.into_quarantine(&reason, now),
                    claims: Some((id, seal)),
                    reason,
                });
            }
        }
    }
}

impl Made {
    /// Adds another act.
    pub fn add(&mut self, other: Self) {
        self.pages += other.pages;
        self.entries += other.entries;
        self.known += other.known;
        self.early += other.early;
        self.forks += other.forks;
        self.refused += other.refused;
    }
}

fn of(receipt: &Receipt) -> PageId {
    PageId {
        gateway: receipt.gateway.clone(),
        ledger: receipt.ledger.clone(),
        epoch: receipt.epoch,
        page: receipt.page,
    }
}

fn receipt(id: &PageId, seal: Hash, stored: Stamp) -> Receipt {
    Receipt {
        gateway: id.gateway.clone(),
        ledger: id.ledger.clone(),
        epoch: id.epoch,
        page: id.page,
        seal,
        stored,
    }
}

fn refusal(id: &PageId, seal: Hash, now: Stamp, because: String) -> Refusal {
    Refusal {
        page: receipt(id, seal, now),
        because,
    }
}
