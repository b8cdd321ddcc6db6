//! The table's rows as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One row; the fields are explained at the top of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) input: String,
    #[serde(default)]
    pub(crate) given: String,
    #[serde(default, rename = "as")]
    pub(crate) sender: String,
    #[serde(default)]
    pub(crate) send: String,
    pub(crate) json: Option<Value>,
    pub(crate) text: Option<String>,
    pub(crate) before: Option<Value>,
    #[serde(default)]
    pub(crate) fill: usize,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) sdp: Option<String>,
    #[serde(default = "once")]
    pub(crate) times: u32,
    #[serde(default)]
    pub(crate) addresses: u8,
    pub(crate) probe: Option<String>,
    #[serde(default)]
    pub(crate) own: bool,
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) code: String,
    pub(crate) counter: String,
}

fn once() -> u32 {
    1
}

#[derive(Deserialize)]
struct Table {
    row: Vec<Row>,
}

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    let table: Table = toml::from_str(include_str!("../../bad-input.toml")).expect("a sound table");
    table.row
}
