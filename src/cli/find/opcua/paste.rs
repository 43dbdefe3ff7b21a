//! A driver and a configuration block to begin with, for the nodes somebody chose. A draft, as it says itself.

use super::{Wish, tree::Found};
use crate::config::server::{Identity, Security};
use driver::nodes::{NodeData, Scalar};
use std::fmt::Write;

pub(super) struct Text {
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) block: String,
}

pub(super) fn driver_and_block(wish: &Wish, found: &[Found]) -> Text {
    let chosen: Vec<&Found> = found
        .iter()
        .filter(|one| {
            one.is_variable
                && wish
                    .choose
                    .iter()
                    .any(|wanted| *wanted == one.address || *wanted == one.name)
        })
        .collect();
    let mut uris: Vec<&str> = chosen.iter().filter_map(|one| parts(&one.address).0).collect();
    uris.sort_unstable();
    uris.dedup();
    let alias = |uri: &str| {
        format!(
            "n{}",
            uris.iter().position(|known| *known == uri).unwrap_or(0) + 1
        )
    };
    let name = "site-opc-ua".to_owned();
    let mut driver = format!(
        "# Drafted from what the server showed. Compare every value with the machine's own display before it counts.\nformat = 1\n\n[driver]\nname     = \"{name}\"\nedition  = 1\ntitle    = \"Values of {}\"\nmaker    = \"unknown\"\nspeaks   = \"opc-ua\"\nevidence = \"draft\"\n\n[opc_ua]\nnamespaces = {{ ",
        escaped(&wish.url)
    );
    let spaces: Vec<String> = uris
        .iter()
        .map(|uri| format!("{} = \"{}\"", alias(uri), escaped(uri)))
        .collect();
    // writing into a string never fails
    let _ = write!(driver, "{} }}\n\n[[nodes]]\npoints = [\n", spaces.join(", "));
    let mut taken: Vec<String> = Vec::new();
    for one in chosen {
        let (uri, id) = parts(&one.address);
        let node = uri.map_or_else(|| id.to_owned(), |uri| format!("{};{id}", alias(uri)));
        let mut measure = measure(&one.name);
        while taken.contains(&measure) {
            measure.push_str("_2");
        }
        taken.push(measure.clone());
        let is = one.value.as_ref().map_or("number", |value| is(&value.data));
        let unit = match (is, one.unit.as_deref().and_then(record::Unit::named)) {
            ("boolean", _) => ", words = { false = \"no\", true = \"yes\" }".to_owned(),
            ("text" | "time", _) => String::new(),
            (_, Some(unit)) => format!(", unit = \"{}\"", unit.shown()),
            (_, None) => ", unit = \"1\"".to_owned(),
        };
        let _ = writeln!(
            driver,
            "  {{ node = \"{}\", measure = \"{measure}\", is = \"{is}\"{unit} }},",
            escaped(&node)
        );
    }
    driver.push_str("]\n");
    let security = wish.security.unwrap_or(Security::NONE).words();
    let login = match &wish.identity {
        Some(Identity::User { name, password_file }) => {
            format!(
                "user          = \"{}\"\npassword_file = \"{}\"",
                escaped(name),
                password_file.display()
            )
        }
        Some(Identity::Certificate {
            certificate,
            private_key,
        }) => {
            format!(
                "user_certificate = \"{}\"\nuser_key         = \"{}\"",
                certificate.display(),
                private_key.display()
            )
        }
        _ => "anonymous     = true".to_owned(),
    };
    let block = format!(
        "[equipment.TAG-1]\ntitle         = \"…\"\ndriver        = \"{name}\"\nedition       = 1\nopcua         = \"{}\"\nsecurity      = \"{security}\"\n{login}\n",
        escaped(&wish.url)
    );
    Text { name, driver, block }
}

fn parts(address: &str) -> (Option<&str>, &str) {
    let whole = address.strip_prefix("nsu=").and_then(|rest| rest.split_once(';'));
    whole.map_or((None, address), |(uri, id)| (Some(uri), id))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// `Product Temperature` becomes `product_temperature`.
fn measure(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let plain = plain.trim_matches('_').to_owned();
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        plain
    } else {
        format!("value_{plain}")
    }
}

fn is(data: &NodeData) -> &'static str {
    let NodeData::Scalar(scalar) = data else {
        return "number";
    };
    match scalar {
        Scalar::Boolean(_) => "boolean",
        Scalar::SByte(_) => "int8",
        Scalar::Byte(_) => "uint8",
        Scalar::Int16(_) => "int16",
        Scalar::UInt16(_) => "uint16",
        Scalar::Int32(_) => "int32",
        Scalar::UInt32(_) => "uint32",
        Scalar::Int64(_) => "int64",
        Scalar::UInt64(_) => "uint64",
        Scalar::Float(_) => "float32",
        Scalar::Double(_) => "float64",
        Scalar::DateTime(_) => "time",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use driver::nodes::NodeValue;

    #[test]
    fn the_pasted_driver_is_one_and_asks_for_what_was_chosen() {
        let one = |name: &str, address: &str, scalar: Scalar, unit: Option<&str>| Found {
            deep: 0,
            name: name.into(),
            address: address.into(),
            value: Some(NodeValue::of(NodeData::Scalar(scalar))),
            unit: unit.map(str::to_owned),
            is_variable: true,
        };
        let found = [
            one(
                "Temperature",
                "nsu=urn:plant;s=\"DB_Mixer\".\"T\"",
                Scalar::Double(1.0),
                Some("°C"),
            ),
            one("Running", "nsu=urn:plant;i=7", Scalar::Boolean(true), None),
            one("Not chosen", "nsu=urn:other;i=9", Scalar::Int32(1), None),
        ];
        let wish = Wish {
            url: "opc.tcp://10.30.4.20:4840".into(),
            security: None,
            identity: None,
            from: None,
            depth: 3,
            choose: vec!["Temperature".into(), "nsu=urn:plant;i=7".into()],
            json: false,
            config: "steelyard.toml".into(),
        };
        let text = driver_and_block(&wish, &found);
        let driver = driver::Driver::parse(&text.driver, "site-opc-ua.toml").expect("it is a driver");
        let measures: Vec<String> = driver.points().into_iter().map(|point| point.measure).collect();
        assert_eq!(measures, ["temperature", "running"]);
        assert!(
            text.block
                .contains("opcua         = \"opc.tcp://10.30.4.20:4840\"")
        );
    }
}
