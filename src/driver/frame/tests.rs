//! Frames out of streams, whatever ran into them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn framing(ends: Ends, check: Option<Checked>) -> Framing {
    Framing {
        starts_with: vec![2],
        ends_with: Vec::new(),
        sends_with: Vec::new(),
        ends,
        check,
        seven_bits: false,
        or_exactly: Vec::new(),
    }
}

fn xor() -> Checked {
    Checked {
        check: Check::Xor,
        covers: Covers {
            start: true,
            end: true,
        },
        stands: Stands::BehindTheEnd,
        written: Written::Bytes,
    }
}

fn cuts(framing: &Framing, bytes: &[u8]) -> Vec<Cut> {
    let (mut cutter, mut out) = (Cutter::default(), Vec::new());
    for byte in bytes {
        cutter.push(framing, *byte, &mut out);
    }
    cutter.quiet(framing, &mut out);
    out
}

fn contents(framing: &Framing, bytes: &[u8]) -> Vec<Vec<u8>> {
    let frames = cuts(framing, bytes).into_iter().filter_map(|cut| match cut {
        Cut::Frame { content, .. } => Some(content),
        _ => None,
    });
    frames.collect()
}

fn inside(longest: usize) -> Framing {
    let length = LengthInside {
        at: 1,
        is: LengthIs::Byte,
        adds: 0,
        longest,
    };
    framing(Ends::Inside(length), Some(xor()))
}

#[test]
fn a_frame_that_says_its_length_may_hold_the_start_mark_anywhere() {
    let framing = inside(64);
    let first = framing.wrap(&[0, 2, 2, 7]);
    let second = framing.wrap(&[0, 9, 2]);
    let both = [first, second].concat();
    assert_eq!(contents(&framing, &both), [vec![6, 2, 2, 7], vec![5, 9, 2]]);
}

#[test]
fn behind_a_sound_frame_the_next_is_believed_about_its_length() {
    // the second frame holds what would be a sound frame of its own
    let framing = inside(64);
    let small = framing.wrap(&[0, 5]);
    let outer = framing.wrap(&[&[0, 1][..], &small, &[1]].concat());
    let stream = [framing.wrap(&[0, 8]), outer.clone()].concat();
    let frames = contents(&framing, &stream);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[1].len(), outer.len() - 2);
}

#[test]
fn a_damaged_length_costs_one_frame_and_no_more() {
    let framing = inside(250);
    let frame = framing.wrap(&[0, 1, 3, 5]);
    let mut damaged = frame.clone();
    damaged[1] = 200;
    let stream = [frame.as_slice(), &damaged, &frame.repeat(40)].concat();
    // in step it waits for what was promised, and then finds every frame that lies there
    assert_eq!(contents(&framing, &stream).len(), 41);
}

#[test]
fn a_check_can_stand_and_be_written_in_every_declared_way_and_one_flipped_bit_is_seen() {
    for (_, check) in Check::words() {
        for (_, covers) in Covers::words() {
            for (_, stands) in Stands::words() {
                for (_, written) in Written::words() {
                    let checked = Checked {
                        check: *check,
                        covers: *covers,
                        stands: *stands,
                        written: *written,
                    };
                    let mut framing = framing(Ends::Mark, Some(checked));
                    framing.ends_with = b"\r\n".to_vec();
                    let frame = framing.wrap(b"  12.5");
                    assert_eq!(framing.opened(&frame), Some(b"  12.5".as_slice()), "{checked:?}");
                    for at in 1..7 {
                        let mut damaged = frame.clone();
                        damaged[at] ^= 4;
                        assert_eq!(framing.opened(&damaged), None, "{checked:?} {at}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_ran_into_a_frame_before_a_pause_is_put_aside() {
    let framing = framing(Ends::Silence(Duration::from_millis(50)), Some(xor()));
    let frame = framing.wrap(b"12.5");
    let stream = [b"garbage".as_slice(), &frame].concat();
    assert_eq!(contents(&framing, &stream), [b"12.5".to_vec()]);
    assert_eq!(cuts(&framing, b"garbage"), [Cut::Damaged(b"garbage".to_vec())]);
    let endless = vec![7; LONGEST * 2];
    assert!(matches!(cuts(&framing, &endless)[0], Cut::Noise(_)));
}
