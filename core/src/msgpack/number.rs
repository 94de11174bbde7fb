//! Numbers that are names.

/// A number as JavaScript writes it where it is a name: the fewest digits that tell it from all others, and with an
/// exponent from 10²¹ on and below 10⁻⁶.
pub(super) fn text_of(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    // One digit, perhaps a point and more, and an exponent.
    let written = format!("{:e}", number.abs());
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let digits = digits.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    match usize::try_from(exponent) {
        Ok(whole @ 0..21) => {
            let whole = whole.saturating_add(1);
            match digits.split_at_checked(whole) {
                Some((before, behind)) if !behind.is_empty() => format!("{sign}{before}.{behind}"),
                Some(_) | None => format!("{sign}{digits:0<whole$}"),
            }
        }
        Err(_) if exponent >= -6 => {
            let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or_default();
            let width = digits.len().saturating_add(zeros).saturating_sub(1);
            format!("{sign}0.{digits:0>width$}")
        }
        Ok(_) | Err(_) => {
            let (first, rest) = digits.split_at_checked(1).unwrap_or_default();
            let point = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{point}{rest}e{exponent:+}")
        }
    }
}
