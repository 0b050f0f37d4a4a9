//! Numbers as C99 writes them: `0x1.8p-3`.

use std::fmt::Write;

/// Appends a number in the canonical form: normalised, trailing zeros cut, the exponent with its sign.
pub(crate) fn write_float(out: &mut String, x: f64) {
    if x.is_nan() {
        return out.push_str("nan");
    }
    if x.is_sign_negative() {
        out.push('-');
    }
    if x.is_infinite() {
        return out.push_str("inf");
    }
    if x == 0.0 {
        return out.push_str("0x0p+0");
    }
    let bits = x.to_bits();
    let stored = (bits >> 52 & 0x7ff) as i32;
    let mantissa = bits & ((1 << 52) - 1);
    let (fraction, exponent) = if stored == 0 {
        // A subnormal: the leading one is moved to where a normal number has it.
        let shift = mantissa.leading_zeros() - 11;
        (mantissa << shift & ((1 << 52) - 1), -1022 - shift as i32)
    } else {
        (mantissa, stored - 1023)
    };
    out.push_str("0x1");
    if fraction != 0 {
        let digits = format!("{fraction:013x}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
    // Writing to a string does not fail.
    let _ = write!(out, "p{exponent:+}");
}

/// Reads what follows the sign of a hexadecimal number: `0x`, digits, `p`, an exponent. The nearest `f64`, ties to even;
/// `None` if it is not written so.
pub(crate) fn parse_hex(text: &str) -> Option<f64> {
    let rest = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (digits, exponent) = rest.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || (digits.contains('.') && fraction.is_empty()) {
        return None;
    }
    // The first 16 significant digits, and whether anything follows that is not zero.
    let (mut mantissa, mut sticky, mut scale) = (0u64, false, 0i64);
    for (at, c) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let digit = u64::from((c as char).to_digit(16)?);
        let after_point = at >= whole.len();
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            scale -= if after_point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            scale += if after_point { 0 } else { 4 };
        }
    }
    let negative = exponent.starts_with('-');
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Beyond this every number is 0 or infinite, however many digits it has: a text has fewer than 2^32 of them.
    const FAR: i64 = 1 << 40;
    let exponent = exponent_digits.parse::<i64>().map_or(FAR, |n| n.min(FAR));
    let exponent = if negative { -exponent } else { exponent };
    Some(round(mantissa, sticky, scale + exponent))
}

/// `mantissa * 2^exponent`, a little more if `sticky`, rounded to the nearest `f64`, ties to even.
fn round(mantissa: u64, sticky: bool, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let top = 63 - i64::from(mantissa.leading_zeros()) + exponent;
    if top > 1023 {
        return f64::INFINITY;
    }
    // The exponent of the last bit that is kept.
    let last = (top - 52).max(-1074);
    let drop = last - exponent;
    if drop <= 0 {
        // At most 53 significant bits: exact.
        return scaled(mantissa << -drop, last);
    }
    if drop > 64 {
        return 0.0;
    }
    let wide = u128::from(mantissa);
    let kept = (wide >> drop) as u64;
    let rest = wide & ((1 << drop) - 1);
    let half = 1u128 << (drop - 1);
    let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
    scaled(kept + u64::from(up), last)
}

/// `n * 2^exponent` where the result is exact, for `n` up to 2^53 and exponents of -1074 to 971.
fn scaled(n: u64, exponent: i64) -> f64 {
    let power = |e: i64| f64::from_bits(((e + 1023) as u64) << 52);
    // In two steps, because 2^-1074 has no exponent of its own.
    let first = exponent.max(-1000);
    n as f64 * power(first) * power(exponent - first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    fn written(x: f64) -> String {
        let mut out = String::new();
        write_float(&mut out, x);
        out
    }

    #[test]
    fn canonical_form() {
        let cases = [
            (1.0, "0x1p+0"),
            (0.0, "0x0p+0"),
            (-0.0, "-0x0p+0"),
            (-0.1875, "-0x1.8p-3"),
            (f64::from(f16::from_f32(1e-5)), "0x1.5p-17"),
            (f64::from(f16::from_bits(1)), "0x1p-24"),
            (f64::from(1e-45f32), "0x1p-149"),
            (f64::MIN_POSITIVE, "0x1p-1022"),
            (5e-324, "0x1p-1074"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (x, text) in cases {
            assert_eq!(written(x), text);
        }
    }

    #[test]
    fn every_half_is_read_back() {
        for bits in 0..=u16::MAX {
            let x = f64::from(f16::from_bits(bits));
            if x.is_finite() {
                let text = written(x);
                let back = parse_hex(text.trim_start_matches('-')).unwrap();
                assert_eq!(back.to_bits(), x.abs().to_bits(), "{text}");
            }
        }
    }

    #[test]
    fn doubles_are_read_back() {
        arbtest::arbtest(|u| {
            let x = f64::from_bits(u.arbitrary()?);
            if x.is_finite() {
                let text = written(x);
                assert_eq!(parse_hex(text.trim_start_matches('-')).unwrap().to_bits(), x.abs().to_bits(), "{text}");
            }
            Ok(())
        });
    }

    #[test]
    fn other_spellings_and_rounding() {
        let cases = [
            ("0x1.1000000000000p-20", 1.0625 / 1048576.0),
            ("0x10p-4", 1.0),
            ("0X1.8P+1", 3.0),
            ("0x0.0000000000000000000001p+88", 1.0),
            ("0x10000000000000000000000p-88", 1.0),
            // A tie goes to the even neighbour; a digit far behind it decides otherwise.
            ("0x1.00000000000008p+0", 1.0),
            ("0x1.000000000000080000000000001p+0", 1.0 + f64::EPSILON),
            ("0x1.00000000000018p+0", 1.0 + 2.0 * f64::EPSILON),
            ("0x1.fffffffffffff8p+0", 2.0),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x1.8p-1074", 1e-323),
            ("0x1p+1024", f64::INFINITY),
            ("0x1.fffffffffffff8p+1023", f64::INFINITY),
            ("0x1p+99999999999999999999", f64::INFINITY),
            ("0x1p-99999999999999999999", 0.0),
        ];
        for (text, x) in cases {
            assert_eq!(parse_hex(text), Some(x), "{text}");
        }
        for text in ["", "0x", "0x1", "0xp+0", "0x1.p+0", "0x.8p+0", "0x1p", "0x1p+", "0x1p+-1", "0x1g.0p+0", "0x1p+é"]
        {
            assert_eq!(parse_hex(text), None, "{text}");
        }
    }
}
