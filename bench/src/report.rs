//! What a measurement says: figures with their spread, targets kept or missed, the machine.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::machine::Machine;
use crate::statistics::{Spread, rounded};

/// One measurement's result.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    machine: Machine,
    rows: Vec<Row>,
    targets: Vec<Target>,
    facts: Map<String, Value>,
    notes: Vec<String>,
    strict: bool,
}

#[derive(Debug)]
struct Row {
    figure: String,
    unit: &'static str,
    spread: Spread,
}

#[derive(Debug)]
struct Target {
    figure: String,
    unit: &'static str,
    most: f64,
    found: f64,
}

impl Report {
    pub(crate) fn new(name: &'static str, machine: Machine) -> Self {
        Self {
            name,
            machine,
            rows: Vec::new(),
            targets: Vec::new(),
            facts: Map::new(),
            notes: Vec::new(),
            strict: false,
        }
    }

    /// A row of the table. Nothing is shown where nothing was measured.
    pub(crate) fn row(&mut self, figure: &str, unit: &'static str, spread: Option<Spread>) {
        if let Some(spread) = spread {
            self.rows.push(Row {
                figure: figure.to_owned(),
                unit,
                spread,
            });
        }
    }

    /// A figure that should not exceed `most`.
    pub(crate) fn target(&mut self, figure: &str, unit: &'static str, found: f64, most: f64) {
        self.targets.push(Target {
            figure: figure.to_owned(),
            unit,
            most,
            found,
        });
    }

    /// From now on a missed target fails the run.
    pub(crate) fn fail_when_missed(&mut self) {
        self.strict = true;
    }

    /// Names the missed targets of a run that fails by them.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let missed: Vec<String> = self
            .targets
            .iter()
            .filter(|it| self.strict && !it.kept())
            .map(Target::to_string)
            .collect();
        if missed.is_empty() {
            return Ok(());
        }
        Err(missed.join("\n"))
    }

    /// A field of the JSON.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// A sentence below the table.
    pub(crate) fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// Everything, for `--json`.
    pub(crate) fn json(&self) -> Value {
        let mut all = self.facts.clone();
        let figures: Map<String, Value> = self
            .rows
            .iter()
            .map(|row| {
                let mut spread = row.spread.json();
                spread["unit"] = row.unit.into();
                (row.figure.clone(), spread)
            })
            .collect();
        let targets: Vec<Value> = self.targets.iter().map(Target::json).collect();
        all.insert("bench".to_owned(), self.name.into());
        all.insert("figures".to_owned(), figures.into());
        all.insert("targets".to_owned(), targets.into());
        all.insert("notes".to_owned(), self.notes.clone().into());
        all.insert("machine".to_owned(), self.machine.json());
        all.into()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            machine,
            rows,
            targets,
            notes,
            ..
        } = self;
        let width = rows
            .iter()
            .map(|row| row.figure.len())
            .max()
            .unwrap_or(0)
            .max(24);
        let heads = ["n", "min", "p50", "p95", "max"].map(|head| format!("{head:>9}"));
        writeln!(f, "{name:width$} {}  unit", heads.join(" "))?;
        for Row {
            figure,
            unit,
            spread,
        } in rows
        {
            let shown = [
                spread.min(),
                spread.median(),
                spread.percentile(95),
                spread.max(),
            ];
            let shown = shown.map(|figure| format!("{figure:>9.1}")).join(" ");
            writeln!(f, "{figure:width$} {:>9} {shown}  {unit}", spread.count())?;
        }
        writeln!(f)?;
        for target in targets {
            writeln!(f, "{target}")?;
        }
        for note in notes {
            writeln!(f, "{note}")?;
        }
        write!(
            f,
            "{machine} at the start, {:.2} at the end",
            crate::machine::load()
        )
    }
}

impl Target {
    fn kept(&self) -> bool {
        self.found <= self.most
    }

    fn json(&self) -> Value {
        json!({
            "figure": self.figure,
            "unit": self.unit,
            "most": self.most,
            "found": rounded(self.found),
            "kept": self.kept(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            figure,
            unit,
            most,
            found,
        } = self;
        let word = if self.kept() { "kept  " } else { "MISSED" };
        write!(
            f,
            "{word} {figure}: {found:.1} {unit}, wanted at most {most} {unit}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(found: f64) -> Report {
        let mut report = Report::new("join", Machine::look());
        report.row("total", "ms", Spread::of([found]));
        report.row("never measured", "ms", Spread::of([]));
        report.target("p95", "ms", found, 800.0);
        report.fact("runs", 1);
        report
    }

    #[test]
    fn a_missed_target_is_printed_as_missed() {
        assert!(report(801.0).to_string().contains("MISSED p95: 801.0 ms"));
        assert!(report(800.0).to_string().contains("kept   p95: 800.0 ms"));
    }

    #[test]
    fn a_missed_target_fails_a_strict_run_alone() {
        let mut missed = report(801.0);
        assert_eq!(missed.verdict(), Ok(()));
        missed.fail_when_missed();
        assert!(missed.verdict().is_err_and(|it| it.contains("p95")));
        let mut kept = report(800.0);
        kept.fail_when_missed();
        assert_eq!(kept.verdict(), Ok(()));
    }

    #[test]
    fn the_json_holds_facts_figures_targets_and_machine() {
        let json = report(900.0).json();
        assert_eq!(json["runs"], 1);
        assert_eq!(json["figures"]["total"]["p50"], 900.0);
        assert_eq!(json["figures"].as_object().map(Map::len), Some(1));
        assert_eq!(json["targets"][0]["kept"], false);
        assert!(json["machine"]["cores"].is_number());
    }
}
