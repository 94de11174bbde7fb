//! A chart as a page, whole in itself.

use std::fmt::Write;

use super::{Chart, What};

/// Pixels between two hosts, and between two lines.
const LANE: usize = 170;
const ROW: usize = 22;
/// Where the first host stands.
const MARGIN: usize = 110;
/// Room for what the last arrow says.
const TEXT: usize = 1000;

impl Chart {
    /// All of it as a page of HTML that needs nothing else.
    pub fn page(&self, title: &str) -> String {
        let title = escaped(title);
        let (width, height) = (
            MARGIN + LANE * self.hosts.len() + TEXT,
            ROW * (self.lines.len() + 2),
        );
        let mut page = format!(
            "<!doctype html><meta charset=utf-8><title>{title}</title>\n\
             <style>body{{font:13px monospace}}h1{{font-size:15px}}line{{stroke:#888}}\
             .arrow{{stroke:#125;stroke-width:1.5}}.fault{{fill:#b00}}.host{{font-weight:bold}}</style>\n\
             <h1>{title}</h1>\n\
             <svg xmlns='http://www.w3.org/2000/svg' width={width} height={height}>\n\
             <defs><marker id=end markerWidth=8 markerHeight=8 refX=7 refY=3 orient=auto>\
             <path d='M0,0L7,3L0,6z' fill='#125'/></marker></defs>\n"
        );
        for (place, host) in self.hosts.iter().enumerate() {
            let x = lane(place);
            // Writing to a String does not fail.
            let _ = writeln!(
                page,
                "<text class=host x={x} y=14 text-anchor=middle>{}</text>\
                 <line x1={x} y1=20 x2={x} y2={height} />",
                escaped(host)
            );
        }
        for (row, line) in self.lines.iter().enumerate() {
            let y = ROW * (row + 2);
            let at = line.at.as_secs_f64();
            let _ = write!(page, "<text x=0 y={y}>{at:.3} s</text>");
            let side = lane(self.hosts.len().saturating_sub(1)) + 16;
            let _ = match &line.what {
                What::Said(from, to, said) => writeln!(
                    page,
                    "<line class=arrow x1={} y1={y} x2={} y2={y} marker-end='url(#end)'/>\
                     <text x={side} y={}>{}</text>",
                    lane(*from),
                    lane(*to),
                    y + 4,
                    escaped(said)
                ),
                What::Fault(fault) => {
                    writeln!(
                        page,
                        "<text class=fault x={MARGIN} y={y}>{}</text>",
                        escaped(fault)
                    )
                }
            };
        }
        page.push_str("</svg>\n");
        page
    }
}

const fn lane(place: usize) -> usize {
    MARGIN + LANE / 4 + LANE * place
}

fn escaped(text: &str) -> String {
    let escape = |c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        _ => String::from(c),
    };
    text.chars().map(escape).collect()
}
