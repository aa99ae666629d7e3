//! The HTML page in headless Chromium: nothing is wider than the screen, nothing is too pale to read, nothing is asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use dockwright::report::html;

use super::sample::all;
use crate::suite::support::{Ran, tool};

/// What is measured in each page: put into a copy of it that lets it run.
const PROBE: &str = r#"
const told = [];
const tell = (what, where) => told.push(what + " at " + where);
for (const all of document.querySelectorAll("details")) all.open = true;
const wide = document.documentElement.scrollWidth;
if (wide > innerWidth) tell("the page is " + wide + " wide, the screen " + innerWidth, "html");
const rgb = colour => { const c = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  c.fillStyle = colour; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
const light = ([r, g, b]) => [r, g, b].map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const under = node => { for (; node; node = node.parentElement) { const c = rgb(getComputedStyle(node).backgroundColor);
  if (c[3] === 255) return c; } return [255, 255, 255]; };
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let looked = 0;
for (let text; text = texts.nextNode();) {
  const node = text.parentElement;
  if (!text.data.trim() || node.closest("style, desc, title, script, .hidden, .jump")) continue;
  const style = getComputedStyle(node), inside = node.closest("svg.graph");
  const ink = light(rgb(inside ? style.fill : style.color)), paper = light(under(inside ? inside.closest(".card") : node));
  const contrast = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
  looked++;
  if (contrast < 4.5) tell("contrast " + contrast.toFixed(2), text.data.trim().slice(0, 40));
}
if (looked < 5) tell("only " + looked + " texts", "body");
const levels = [...document.querySelectorAll("h1,h2,h3")].map(h => +h.tagName[1]);
if (levels[0] !== 1 || levels.some((l, i) => i && l > levels[i - 1] + 1)) tell("headings " + levels, "outline");
const ids = [...document.querySelectorAll("[id]")].map(node => node.id);
if (new Set(ids).size !== ids.length) tell("an id twice", ids.filter((id, i) => ids.indexOf(id) !== i));
for (const link of document.querySelectorAll("a, use")) if (!document.getElementById(link.getAttribute("href").slice(1)))
  tell("a dead link", link.getAttribute("href"));
for (const asked of performance.getEntriesByType("resource")) tell("a request", asked.name);
const dark = getComputedStyle(document.body).backgroundColor;
parent.heard({ told, dark: light(rgb(dark)) < .2, width: innerWidth });
"#;

/// A document that shows pages in frames, as wide as telephones and desks, and says in its title what they told.
fn frames(pages: &BTreeMap<String, String>) -> String {
    let mut text = String::from(
        "<!DOCTYPE html><meta charset=utf-8><title>frames</title><script>const all = []; function heard(told) { all.push(told); }</script><body>",
    );
    let escape = |page: &str| page.replace('&', "&amp;").replace('"', "&quot;");
    for page in pages.values() {
        // A page forbids scripts; the copy that is measured says nothing of that.
        let start = page.find("<meta http-equiv=\"Content-Security-Policy\"").expect("a page has a policy");
        let end = start + page[start..].find('>').unwrap() + 1;
        let page = format!("{}{}", &page[..start], &page[end..]);
        let page = page.replace("</body>", &format!("<script>onload = () => {{ try {{ {PROBE} }} catch (error) {{ parent.heard({{ told: [error.stack] }}); }} }}</script></body>"));
        for width in [360, 768, 1280] {
            let _ =
                write!(text, "<iframe width={width} height=800 style=border:0 srcdoc=\"{}\"></iframe>", escape(&page));
        }
    }
    // The frames' handlers have run when the document's own does.
    text.push_str("<script>onload = () => { document.body.textContent = JSON.stringify(all); }</script>");
    text
}

fn chromium(home: &Path, scheme: &str, file: &Path) -> Option<Ran> {
    let browser = tool("chromium")?;
    let profile = home.join(format!("profile-{scheme}"));
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    // 0 is dark.
    command.arg(format!("--blink-settings=preferredColorScheme={}", u8::from(scheme != "dark")));
    command.args(["--virtual-time-budget=20000", "--window-size=1300,900", "--dump-dom"]);
    Some(Ran::of(command.env("HOME", home).arg(format!("file://{}", file.display()))))
}

#[test]
fn every_page_is_readable_on_every_screen() {
    let pages: BTreeMap<String, String> =
        all().into_iter().map(|(name, _, report)| (name.into(), html::page(&report))).collect();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("frames.html");
    std::fs::write(&file, frames(&pages)).unwrap();
    for scheme in ["light", "dark"] {
        let Some(ran) = chromium(home.path(), scheme, &file) else { return };
        let body = ran.out.rsplit_once("<body>").map_or("", |(_, body)| body);
        let body =
            body.split("</body>").next().unwrap().replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        let frames: Vec<serde_json::Value> =
            serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {:.2000}\n{:.2000}", body, ran.err));
        assert_eq!(frames.len(), 3 * pages.len());
        for frame in frames {
            assert_eq!(frame["told"].as_array().map(Vec::len), Some(0), "{scheme}: {frame:#}");
            assert_eq!(frame["dark"], scheme == "dark", "the scheme is not honoured");
        }
    }
}
