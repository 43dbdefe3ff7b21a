//! The rules of binding and capture, one table each.

use super::world::{World, agrees};

const EACH: &str = "
    MX-3:emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 3
    MX-3:cool     TC-1.temp every reading -/-/-/40.0 °C missing 3
";

#[test]
fn a_batch_is_captured_judged_and_closed() {
    let mut world = World::new(1000, EACH);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:01
        00:00.500 tick
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 71.6 °C
        00:02.200 own
        00:03 TC-1.temp 70.0 °C
        00:04 MX-3 B-1 running 00:00 7 : emulsify/1 00:01-00:03.500
        00:04.500 tick
        00:05 MX-3 B-1 complete 00:00-00:04.500 7 : emulsify/1 00:01-00:03.500
        00:05.500 tick
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:01 B-1 emulsify/1 running
        3 reading   00:01 B-1 emulsify/1 within = 70.0
        4 clock     00:02.200 synchronised
        5 reading   00:02 B-1 emulsify/1 warning = 71.6
        6 reading   00:03 B-1 emulsify/1 within = 70.0
        7 step      00:03.500 B-1 emulsify/1 complete
        8 verdict   00:03.500 B-1 emulsify/1 expected 2 captured 3 gaps 0 exceptions 0
        9 binding   00:05.500 B-1 attached gateway seqs 4 count 1
        10 batch    00:04.500 B-1 complete closing 1 count 8
        ",
    );
}
