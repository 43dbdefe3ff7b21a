//! Saves an exchange from the wire as a sample in the site's own driver file, and proves that it holds.

use super::exchange::{Exchange, as_rtu};
use crate::{
    config::plant::Equipment,
    flow::needs::Files,
    ports::files::{SystemFiles, make_directory},
};
use driver::{Driver, NewSample, Role, Speaks};
use record::Trouble;
use std::path::{Path, PathBuf};

/// Appends one exchange to the site's file of this driver; says what was done.
pub(super) fn save(
    equipment: &Equipment,
    settings: &[Exchange],
    exchange: &Exchange,
    says: &str,
    config: &Path,
) -> Result<String, Trouble> {
    let driver = &equipment.driver;
    let file = site_file(driver, config);
    let own = SystemFiles
        .read(&file)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let fresh = own.is_none();
    let text = own.unwrap_or_else(|| driver.text().to_owned());
    let sample = sample(driver, settings, exchange, says);
    let known = Driver::parse(&text, &file.display().to_string()).map_err(|_| unusable(&file))?;
    if known
        .samples
        .iter()
        .any(|known| known.send == sample.send && known.hear == sample.hear)
    {
        return Ok(format!(
            "{} has this exchange already; nothing was added",
            file.display()
        ));
    }
    let longer = format!("{}\n{}", text.trim_end(), sample.written(&known));
    let proven = Driver::parse(&longer, &file.display().to_string()).map_err(|_| unusable(&file))?;
    let results = driver::run_samples(&proven);
    if results.last().is_none_or(|last| !last.passed()) {
        return Err(Trouble::new(
            "sample-not-saved",
            "this exchange does not give the same readings again, so it is no sample",
        )
        .at(file.display())
        .means("the driver is unchanged")
        .so("try once more; an answer of two parts or one that was cut can end up so"));
    }
    let cannot = |problem: std::io::Error| {
        Trouble::new(
            "sample-not-saved",
            format!("the driver cannot be written: {problem}"),
        )
        .at(file.display())
        .means("the driver is unchanged")
        .so("do it as somebody who may write there, or name another configuration with --config")
    };
    if let Some(parent) = file.parent()
        && !parent.exists()
    {
        make_directory(parent).map_err(cannot)?;
    }
    SystemFiles.write(&file, longer.as_bytes()).map_err(cannot)?;
    let began = if fresh {
        " (the site's own copy, begun with it)"
    } else {
        ""
    };
    Ok(format!(
        "saved as sample {} of {}{began}; all {} hold. A gateway that runs takes it with `steelyard apply`",
        results.len(),
        file.display(),
        results.iter().filter(|result| result.passed()).count()
    ))
}

/// Where the site keeps this driver: beside the configuration.
fn site_file(driver: &Driver, config: &Path) -> PathBuf {
    let folder = config.parent().unwrap_or(Path::new("")).join("drivers");
    folder.join(format!("{}.toml", driver.name))
}

fn unusable(file: &Path) -> Trouble {
    Trouble::new("sample-not-saved", "the driver's file does not read well")
        .at(file.display())
        .means("the driver is unchanged")
        .so(format!(
            "steelyard try {}   says what is wrong with it",
            file.display()
        ))
}

fn sample(driver: &Driver, settings: &[Exchange], exchange: &Exchange, says: &str) -> NewSample {
    let tcp = matches!(driver.speaks, Speaks::Modbus(_)) && exchange.sent.len() == 12;
    let frame = |bytes: &[u8]| {
        if tcp && bytes.len() > 6 {
            as_rtu(bytes)
        } else {
            bytes.to_vec()
        }
    };
    let mut gives: Vec<(String, Vec<String>)> = Vec::new();
    for heard in &exchange.heard {
        for (measure, answer) in &heard.answers {
            match gives.iter_mut().find(|(known, _)| known == measure) {
                Some((_, words)) => words.push(answer.to_string()),
                None => gives.push((measure.clone(), vec![answer.to_string()])),
            }
        }
        if let Some(identity) = &heard.identity {
            gives.push(("serial_number".to_owned(), vec![identity.clone()]));
        }
    }
    NewSample {
        says: says.to_owned(),
        before: settings
            .iter()
            .filter(|one| one.role == Role::Settings)
            .map(|one| (frame(&one.sent), frame(&one.raw)))
            .collect(),
        send: frame(&exchange.sent),
        hear: frame(&exchange.raw),
        gives,
    }
}

/// A sentence for an exchange nobody described: what it gave, and when.
pub(super) fn sentence(exchange: &Exchange, day: &str) -> String {
    let answers: Vec<String> = exchange
        .heard
        .iter()
        .flat_map(|heard| &heard.answers)
        .map(|(measure, answer)| format!("{measure} {answer}"))
        .collect();
    format!("from the wire on {day}: {}", answers.join(", "))
}
