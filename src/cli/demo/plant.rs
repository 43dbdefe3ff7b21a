//! The demo's plant: the example plant with the addresses of this run.

use super::{NAME, scene::Scene};
use std::path::Path;

/// The configuration, as a plant engineer would write it.
pub(super) fn configuration(data: &Path, broker: &str, scene: &Scene, port: u16) -> String {
    let at = |name: &str| data.join(name).display().to_string();
    let (ledger, key, store_key) = (at("line.ledger"), at("gateway.key"), at("record-store.jwk"));
    let (temperature, drive, scale) = (scene.temperature_at(), scene.drive_at(), scene.scale_at());
    format!(
        r#"# The demo's line: cream mixing at MX-3, and dispensing booth 2. Nothing here is real but the record.
format = 1

[gateway]
name        = "{NAME}"
plant       = "Demo"
use         = "demo"
zone        = "Europe/Berlin"
ledger      = "{ledger}"
signing_key = "{key}"
segment_size = "8 MiB"
stop_capture_below = "64 MiB free"
settle      = "1 s"

[record_store]
broker = "{broker}"
key    = "{store_key}"

[web]
listen = "127.0.0.1:{port}"

[equipment.TC-3105]
title             = "Product temperature, mixer MX-3"
driver            = "tc200"
edition           = 2
modbus_tcp        = "{temperature}"
unit_id           = 1
every             = "250 ms"
record_with_draft = true

[equipment.SC-3107]
title             = "Drive of the mixer MX-3"
driver            = "mixer-drive"
edition           = 1
modbus_tcp        = "{drive}"
unit_id           = 1
every             = "500 ms"
record_with_draft = true

[equipment.WT-3101]
title             = "Scale in dispensing booth 2"
driver            = "mt-sics-balance"
edition           = 4
serial            = "{scale}"
every             = "250 ms"

[unit.MX-3]
title     = "Mixer 3"
kind      = "cream-mixer"
authority = "mqtt"

[unit.MX-3.roles]
product-temperature = "TC-3105.temperature"
mixer-speed         = "SC-3107.speed"
mixer-current       = "SC-3107.current"
mixer-torque        = "SC-3107.torque"

[unit."Booth 2"]
title     = "Dispensing booth 2"
kind      = "dispensing-booth"
authority = "mqtt"

[unit."Booth 2".roles]
net-weight = "WT-3101.weight"

[[capture]]
during  = "charge-water"
at      = "MX-3"
what    = "product-temperature"
every   = "1 s"
must_be = "15.0 to 30.0 °C"

[[capture]]
during       = "heat"
at           = "MX-3"
what         = "product-temperature"
every        = "1 s"
must_be      = "at most 80.0 °C"
warn_outside = "at most 78.0 °C"

[[capture]]
during       = "emulsify"
at           = "MX-3"
what         = "product-temperature"
every        = "1 s"
must_be      = "70.0 to 75.0 °C"
warn_outside = "71.0 to 74.0 °C"

[[capture]]
during       = "emulsify"
at           = "MX-3"
what         = "mixer-speed"
every        = "1 s"
must_be      = "1400 to 1600 rpm"
warn_outside = "1450 to 1550 rpm"

[[capture]]
during  = "emulsify"
at      = "MX-3"
what    = "mixer-torque"
every   = "1 s"
must_be = "at most 60.0 N·m"

[[capture]]
during = "emulsify"
at     = "MX-3"
what   = "mixer-current"
every  = "2 s"

[[capture]]
during       = "cool-down"
at           = "MX-3"
what         = "product-temperature"
every        = "1 s"
must_be      = "at least 20.0 °C"
warn_outside = "at least 22.0 °C"

[[capture]]
during        = "weigh"
at            = "Booth 2"
what          = "net-weight"
every         = "change"
missing_after = "1 s"
"#
    )
}
