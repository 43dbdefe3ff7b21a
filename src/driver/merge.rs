//! Reads that travel as one question, where the driver allows it. What one read says stays together in any
//! case: it is only ever asked along with others, never cut.

use crate::{
    driver::{Modbus, Read, ReadRole},
    modbus::Table,
};

/// Several reads of one table, asked as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) table: Table,
    pub(crate) first: u16,
    pub(crate) count: u16,
    /// Which reads, by their place in the file.
    pub(crate) parts: Vec<usize>,
}

impl Merged {
    /// The bytes of one of its reads, out of the bytes of all.
    pub(crate) fn of<'v>(&self, read: &Read, values: &'v [u8]) -> &'v [u8] {
        let from = usize::from(read.first - self.first) * 2;
        values
            .get(from..from + usize::from(read.count) * 2)
            .unwrap_or_default()
    }
}

/// Which reads are asked as one: of one table, for one purpose, at one pace, with no more unwanted registers
/// between them than the driver says, and no more in all than it may be asked for at once.
pub(crate) fn merged(modbus: &Modbus) -> Vec<Merged> {
    let Some(over) = modbus.merge_over else {
        return Vec::new();
    };
    let most = modbus.at_most.unwrap_or(u16::MAX).min(Table::Holding.most());
    let reads = &modbus.reads;
    let mut places: Vec<usize> = (0..reads.len())
        .filter(|at| !reads[*at].alone && reads[*at].window.is_none() && !reads[*at].table.is_bits())
        .collect();
    places.sort_by_key(|at| (alike(&reads[*at]), reads[*at].first));
    let mut all: Vec<Merged> = Vec::new();
    let mut last = None;
    for at in places {
        let read = &reads[at];
        let end = u32::from(read.first) + u32::from(read.count);
        let fits = |group: &Merged| {
            let stands = u32::from(group.first) + u32::from(group.count);
            u32::from(read.first) <= stands + u32::from(over)
                && end.max(stands) - u32::from(group.first) <= u32::from(most)
        };
        match all
            .last_mut()
            .filter(|group| last == Some(alike(read)) && fits(group))
        {
            Some(group) => {
                let stands = u32::from(group.first) + u32::from(group.count);
                // holds because it is at most what may be asked for at once
                group.count = (end.max(stands) - u32::from(group.first)) as u16;
                group.parts.push(at);
            }
            None => all.push(Merged {
                table: read.table,
                first: read.first,
                count: read.count,
                parts: vec![at],
            }),
        }
        last = Some(alike(read));
    }
    all.retain(|group| group.parts.len() > 1);
    all
}

fn alike(read: &Read) -> (u8, u8, std::time::Duration) {
    let role = match read.role {
        ReadRole::Identity => 0,
        ReadRole::Settings => 1,
        ReadRole::Values => 2,
    };
    (read.table.function(), role, read.at_most_every)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use crate::{Conversation, ConversationOptions, Driver, HeardAs, Question, Role, Transport, crc16};

    fn talk(modbus: &str, reads: &str) -> Conversation {
        let text = format!(
            "format = 1\n[driver]\nname = \"meter\"\nedition = 1\ntitle = \"Meter\"\nmaker = \"Example\"\n\
             speaks = \"modbus\"\nevidence = \"draft\"\nmanual = \"none\"\n[modbus]\n{modbus}\n{reads}"
        );
        let driver = Driver::parse(&text, "meter.toml").unwrap();
        let options = ConversationOptions {
            unit_id: 1,
            transport: Transport::ModbusRtu,
        };
        Conversation::new(&driver, options)
    }

    fn read(name: &str, first: u16, count: u16, more: &str) -> String {
        format!(
            "[[read]]\ntable = \"holding\"\nfirst = {first}\ncount = {count}\n{more}\n\
             points = [ {{ at = 0, measure = \"{name}\", is = \"uint16\", one_count = \"1 kg\" }} ]\n"
        )
    }

    fn asks(questions: &[Question]) -> Vec<&str> {
        questions.iter().map(|question| question.asks.as_str()).collect()
    }

    #[test]
    fn reads_are_merged_over_the_holes_the_driver_allows_and_no_others() {
        let reads = [
            read("a", 0, 2, ""),
            read("b", 4, 1, ""),
            read("c", 20, 1, ""),
            read("d", 21, 1, "alone = true"),
            read("e", 22, 1, "ask_at_most = \"once per 5 min\""),
        ]
        .concat();
        assert!(talk("", &reads).merged().is_empty());
        assert_eq!(asks(&talk("merge_over = 1", &reads).merged()), Vec::<&str>::new());
        assert_eq!(asks(&talk("merge_over = 2", &reads).merged()), ["holding 0 to 4"]);
        assert_eq!(
            asks(&talk("merge_over = 15", &reads).merged()),
            ["holding 0 to 20"]
        );
        assert_eq!(
            asks(&talk("merge_over = 15\nat_most = 16", &reads).merged()),
            ["holding 0 to 4"]
        );
    }

    #[test]
    fn a_merged_answer_gives_what_its_reads_would_give_alone() {
        let mut talk = talk(
            "merge_over = 2",
            &[read("a", 0, 2, ""), read("b", 4, 1, "")].concat(),
        );
        let whole = talk.merged().remove(0);
        assert_eq!((whole.parts.len(), whole.role), (2, Role::Values));
        assert_eq!(whole.measures, ["a", "b"]);
        assert_eq!(talk.ask(whole.id)[..6], [1, 3, 0, 0, 0, 5]);
        let mut answer = vec![1, 3, 10, 0, 7, 0, 0, 9, 9, 9, 9, 0, 8];
        answer.extend(crc16(&answer).to_le_bytes());
        let heard = talk.hear(&answer);
        assert_eq!(heard[0].heard_as, HeardAs::Answer);
        let said = &heard[0].answers;
        let words: Vec<String> = said.iter().map(|(name, said)| format!("{name} {said}")).collect();
        assert_eq!(words, ["a 7 kg", "b 8 kg"]);
        assert_eq!(heard[0].raw, answer);
    }

    #[test]
    fn a_refusal_says_with_which_exception() {
        let mut talk = talk(
            "merge_over = 2",
            &[read("a", 0, 2, ""), read("b", 4, 1, "")].concat(),
        );
        let whole = talk.merged().remove(0);
        talk.ask(whole.id);
        let mut answer = vec![1, 0x83, 2];
        answer.extend(crc16(&answer).to_le_bytes());
        let heard = talk.hear(&answer);
        assert_eq!((heard[0].refused, heard[0].answers.len()), (Some(2), 2));
    }
}
