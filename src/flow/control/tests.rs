//! Which recipe holds, as a table.
#![allow(clippy::unwrap_used)]

use super::*;

fn recipe(revision: &str, words: &str) -> Recipe {
    let text = format!(
        "# {words}\nformat = 1\nrecipe = \"cream\"\nproduct = \"Cream\"\nrevision = \"{revision}\"\nsize = \"60.0 kg\"\nsizes = \"30.0 to 120.0 kg\"\n[[step]]\nid = \"mix\"\n[[step.dispense]]\nline = \"10\"\nmaterial = \"RM-1\"\ntarget = \"4.80 kg\"\ntolerance = \"± 0.5 %\"\nverification = \"automated\"\n"
    );
    recipe::read("recipes/cream.toml", &text).unwrap()
}

fn approve(shelf: &mut Shelf, recipe: &Recipe, person: &str, seq: u64) {
    shelf.add(recipe.clone(), false);
    let time = Stamp(0);
    let approval = Approval {
        person: person.into(),
        seq,
        time,
    };
    shelf.approve(fingerprint(&recipe.text), approval);
}

#[test]
fn the_approved_recipe_holds_and_what_differs_is_said() {
    // configured | approved | delivered | use | which holds, with limits or bare, and what is raised
    let table = "
        a | - | - | demo       | a holds
        a | - | - | production | a bare, recipe-not-approved
        - | - | - | demo       | none bare, recipe-missing
        - | - | - | production | none bare, recipe-missing
        - | - | a | demo       | a holds
        - | - | a | production | a bare, recipe-not-approved
        a | - | b | demo       | b holds, recipe-differs
        a | a | - | production | a holds
        b | a | - | production | a holds
        a | a | b | production | a holds, recipe-differs
        a | a | b | demo       | a holds, recipe-differs
        - | a | a | production | a holds
        - | - | 8 | demo       | none bare, recipe-differs, recipe-missing
        a | a | 8 | production | a holds, recipe-differs
        ";
    for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let of = |cell: &str| match cell {
            "-" => None,
            "8" => Some(recipe("8", "newer")),
            words => Some(recipe("7", words)),
        };
        let configured: Vec<Recipe> = of(cells[0]).into_iter().collect();
        let mut shelf = Shelf::of(&configured);
        if let Some(approved) = of(cells[1]) {
            approve(&mut shelf, &approved, "p-1", 4);
        }
        let delivered = of(cells[2]);
        let chosen = shelf.choose(Asked {
            recipe: "cream",
            revision: "7",
            delivered: delivered.as_ref(),
            production: cells[3] == "production",
        });
        let which = chosen.recipe.as_ref().map_or_else(
            || "none".to_owned(),
            |recipe| recipe.text.chars().skip(2).take_while(|c| *c != '\n').collect(),
        );
        let mut said = format!("{which} {}", if chosen.holds { "holds" } else { "bare" });
        for (because, _) in &chosen.odd {
            said = format!("{said}, {because}");
        }
        assert_eq!(said, cells[4], "{row}");
    }
}

#[test]
fn the_newest_approval_of_a_revision_counts() {
    let mut shelf = Shelf::default();
    approve(&mut shelf, &recipe("7", "second"), "p-2", 9);
    approve(&mut shelf, &recipe("7", "first"), "p-1", 4);
    let chosen = shelf.choose(Asked {
        recipe: "cream",
        revision: "7",
        delivered: None,
        production: true,
    });
    assert_eq!(chosen.approval.unwrap().person, "p-2");
}

#[test]
fn targets_are_sealed_as_they_come_to_for_this_batch() {
    let size = Quantity::read("90.0 kg").unwrap();
    let made = targets(&recipe("7", "a"), "B-1", Some(&size));
    for line in [
        "target   = \"7.20 kg\"",
        "low      = \"7.164 kg\"",
        "high     = \"7.236 kg\"",
        "size     = \"90.0 kg\"",
    ] {
        assert!(made.text.contains(line), "{line}\n{}", made.text);
    }
}
