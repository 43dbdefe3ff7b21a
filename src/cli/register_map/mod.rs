//! A register map as a spreadsheet has it becomes a driver file. Every mistake is named with its line; what is not
//! said is not guessed. Pure: text in, text out.

mod rows;
mod write;

pub(crate) use rows::{COLUMNS, Wrong, read};
pub(crate) use write::{About, driver_file};

/// The difference between two texts, as lines that go (`-`) and come (`+`).
pub(crate) fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // longest common subsequence, from the end
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a][b] = if old[a] == new[b] {
                common[a + 1][b + 1] + 1
            } else {
                common[a + 1][b].max(common[a][b + 1])
            };
        }
    }
    let (mut a, mut b, mut out) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || (a < old.len() && common[a + 1][b] >= common[a][b + 1]) {
            out.push(format!("- {}", old[a]));
            a += 1;
        } else {
            out.push(format!("+ {}", new[b]));
            b += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use driver::Driver;

    const MAP: &str = "register;table;measure;is;scale;unit;order;title;manual
40001;;temperature;int16;0.1;°C;;Product temperature;PV
40002;;setpoint;int16;0.1;°C;;;SV
10;input;flow;float32;;L/min;CDAB;\"Flow, at the outlet\";FT-1
# a remark
20;holding;level;uint16;1;%;;;LT
";

    fn about() -> About {
        About {
            name: "new-map".into(),
            title: "Skid of the manual".into(),
            maker: "Somebody".into(),
            manual: "register list, page 7".into(),
        }
    }

    #[test]
    fn a_register_map_becomes_a_driver_that_proves_itself() {
        let rows = read(MAP).unwrap();
        let text = driver_file(&rows, &about()).unwrap();
        let driver =
            Driver::parse(&text, "drivers/new-map.toml").unwrap_or_else(|wrong| panic!("{wrong:#?}\n{text}"));
        let names: Vec<String> = driver.points().into_iter().map(|point| point.measure).collect();
        assert_eq!(names, ["temperature", "setpoint", "level", "flow"], "{text}");
        assert!(text.contains("order = \"CDAB\""), "{text}");
        assert!(
            driver::run_samples(&driver)
                .iter()
                .all(driver::SampleResult::passed),
            "{text}"
        );
        let complaints = driver::lint(&driver);
        assert!(complaints.is_empty(), "{complaints:#?}\n{text}");
    }

    #[test]
    fn every_bad_line_is_named_with_its_number() {
        let map = "register,measure,is,scale,unit
0,temperature,int16,0.1,°C
x,setpoint,int16,0.1,°C
2,Level,int16,0.1,%
3,flow,int17,1,L/min
4,speed,int16,much,rpm
5,power,int16,1,horse
0,again,int16,1,A
6,temperature,int16,1,A
";
        let wrong = read(map).unwrap_err();
        let lines: Vec<usize> = wrong.iter().map(|one| one.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9], "{wrong:#?}");
        assert_eq!(read("measure,is\n").unwrap_err()[0].line, 1);
        assert_eq!(read("").unwrap_err()[0].line, 1);
    }

    #[test]
    fn a_difference_shows_what_goes_and_what_comes() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\nc\nd\n"), ["- b", "+ x", "+ d"]);
        assert!(difference("a\n", "a\n").is_empty());
    }
}
