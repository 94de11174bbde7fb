//! Bars beside each other, as SVG.

use std::fmt::Write;

/// What stands beside the bars of one group, and their lengths.
#[derive(Debug)]
pub struct Group {
    /// In words.
    pub label: String,
    /// One for each series; `None` where it took no part.
    pub values: Vec<Option<f64>>,
}

/// A kind of bar.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// In the legend.
    pub name: &'static str,
    /// Of its bars.
    pub colour: &'static str,
}

/// Bars longer than this are cut; their number stays.
const MOST: f64 = 2.0;

const WIDTH: f64 = 880.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 96.0;
const BAR: f64 = 13.0;
const GAP: f64 = 14.0;
/// A number beside a bar, legible where it meets a line.
const LABEL: &str = "font-size=\"11\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\"";
const FONT: &str =
    "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\"";

/// Draws them. The line at 1 is what all are compared with.
#[must_use]
pub fn svg(title: &str, one: &str, series: &[Series], groups: &[Group]) -> String {
    let heights = groups.iter().map(height).collect::<Vec<_>>();
    let bottom = TOP + heights.iter().sum::<f64>();
    let total = bottom + 34.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total}\" width=\"{WIDTH}\" \
         height=\"{total}\" {FONT} font-size=\"13\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        escaped(title)
    );
    text(
        &mut out,
        (20.0, 28.0),
        "start",
        "#1a1a1a",
        "font-size=\"17\" font-weight=\"600\"",
        title,
    );
    legend(&mut out, one, series);
    for tick in 0..=4_u8 {
        let value = f64::from(tick) * MOST / 4.0;
        let (x, dark) = (place(value), value == 1.0);
        let (stroke, width) = if dark {
            ("#1a1a1a", 1.5)
        } else {
            ("#dddddd", 1.0)
        };
        line(&mut out, (x, TOP - 4.0), (x, bottom), stroke, width);
        let label = format!("{value:.1}");
        text(
            &mut out,
            (x, bottom + 18.0),
            "middle",
            "#444444",
            "",
            &label,
        );
    }
    let mut y = TOP;
    for (group, height) in groups.iter().zip(heights) {
        let middle = y + (height - GAP) / 2.0 + GAP / 2.0 + 4.0;
        text(
            &mut out,
            (LEFT - 12.0, middle),
            "end",
            "#1a1a1a",
            "",
            &group.label,
        );
        let mut at = y + GAP / 2.0;
        for (series, value) in series.iter().zip(&group.values) {
            if let Some(value) = value {
                bar(&mut out, at, *value, series.colour);
                at += BAR;
            }
        }
        y += height;
    }
    out += "</svg>\n";
    out
}

fn height(group: &Group) -> f64 {
    let bars = group.values.iter().flatten().count() as u32;
    f64::from(bars.max(1)) * BAR + GAP
}

fn place(value: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * value / MOST
}

fn bar(out: &mut String, y: f64, value: f64, colour: &str) {
    let end = place(value.min(MOST));
    write(
        out,
        format_args!(
            "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\n",
            end - LEFT,
            BAR - 2.0
        ),
    );
    let mut label = format!("{value:.2}");
    if value > MOST {
        // It goes on where the picture ends.
        label = format!("{value:.1} ⟶");
    }
    text(
        out,
        (end + 5.0, y + BAR - 4.0),
        "start",
        "#1a1a1a",
        LABEL,
        &label,
    );
}

fn legend(out: &mut String, one: &str, series: &[Series]) {
    let mut x = 20.0;
    for series in series {
        write(
            out,
            format_args!(
                "<rect x=\"{x:.1}\" y=\"46\" width=\"14\" height=\"12\" fill=\"{}\"/>\n",
                series.colour
            ),
        );
        text(out, (x + 20.0, 57.0), "start", "#1a1a1a", "", series.name);
        x += 46.0 + series.name.chars().count() as f64 * 7.2;
    }
    line(out, (20.0, 74.0), (34.0, 74.0), "#1a1a1a", 1.5);
    text(out, (40.0, 78.0), "start", "#1a1a1a", "", one);
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
    let ((x1, y1), (x2, y2)) = (from, to);
    write(
        out,
        format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{stroke}\" \
             stroke-width=\"{width}\"/>\n"
        ),
    );
}

fn text(out: &mut String, at: (f64, f64), anchor: &str, fill: &str, more: &str, words: &str) {
    let ((x, y), words) = (at, escaped(words));
    write(
        out,
        format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{fill}\" {more}>{words}</text>\n"
        ),
    );
}

fn write(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    out.write_fmt(what).ok();
}

fn escaped(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_has_its_number_and_none_leaves_the_picture() {
        let series = [Series {
            name: "a < b",
            colour: "#123456",
        }];
        let group = |value| Group {
            label: "x".to_owned(),
            values: vec![value],
        };
        let svg = svg(
            "t",
            "1",
            &series,
            &[group(Some(0.5)), group(Some(14.2)), group(None)],
        );
        assert_eq!(
            svg.matches("fill=\"#123456\"").count(),
            3,
            "the legend and two bars"
        );
        assert!(svg.contains(">0.50<") && svg.contains(">14.2 ⟶<") && svg.contains("a &lt; b"));
    }
}
