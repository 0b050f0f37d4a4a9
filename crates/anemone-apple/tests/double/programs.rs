//! Programs that the tests run.

/// `y = x - a`, by elements of `fp32`. The ports' declared order is not the alphabet's.
pub(crate) fn difference(dims: &[usize]) -> String {
    format!(
        "program(1.3)
{{
    func main<ios16>(tensor<fp32, {dims:?}> x, tensor<fp32, {dims:?}> a) {{
        tensor<fp32, {dims:?}> y = sub(x = x, y = a);
    }} -> (y);
}}"
    )
}

/// Two functions, whose ports have the same names.
pub(crate) const TWO_FUNCTIONS: &str = "program(1.3)
{
    func double<ios16>(tensor<fp32, [1, 4]> x) {
        tensor<fp32, [1, 4]> y = add(x = x, y = x);
    } -> (y);
    func square<ios16>(tensor<fp32, [1, 4]> x) {
        tensor<fp32, [1, 4]> y = mul(x = x, y = x);
    } -> (y);
}";

/// A program that the compiler refuses.
pub(crate) const WRONG: &str = "program(1.3)
{
    func main<ios16>(tensor<fp32, [1, 4]> x) {
        tensor<fp32, [1, 4]> y = no_such_operation(x = x);
    } -> (y);
}";
