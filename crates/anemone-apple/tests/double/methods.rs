//! The double's methods are those that public sources list, and every method that is called is one of them.

use crate::bed::bed;
use anemone_apple::Framework;

/// What `method_getTypeEncoding` gives on Macs, as several public sources print it. BOOL is `B` there, `C` with GNUstep.
const PUBLISHED: &[(&str, &str)] = &[
    ("+[_ANEInMemoryModelDescriptor modelWithMILText:weights:optionsPlist:]", "@40@0:8@16@24@32"),
    ("+[_ANEInMemoryModel inMemoryModelWithDescriptor:]", "@24@0:8@16"),
    ("-[_ANEInMemoryModel compileWithQoS:options:error:]", "B36@0:8I16@20^@28"),
    ("-[_ANEInMemoryModel loadWithQoS:options:error:]", "B36@0:8I16@20^@28"),
    ("-[_ANEInMemoryModel evaluateWithQoS:options:request:error:]", "B44@0:8I16@20@28^@36"),
    ("-[_ANEInMemoryModel unloadWithQoS:error:]", "B28@0:8I16^@20"),
    ("-[_ANEInMemoryModel hexStringIdentifier]", "@16@0:8"),
    ("+[_ANEIOSurfaceObject objectWithIOSurface:]", "@24@0:8^{__IOSurface=}16"),
    (
        "+[_ANERequest requestWithInputs:inputIndices:outputs:outputIndices:weightsBuffer:perfStats:procedureIndex:]",
        "@72@0:8@16@24@32@40@48@56@64",
    ),
    ("-[_ANERequest setCompletionHandler:]", "v24@0:8@?16"),
    ("-[_ANEClient evaluateWithModel:options:request:qos:error:]", "B52@0:8@16@24@32I40^@44"),
];

fn found() -> Vec<(String, String, String)> {
    let _bed = bed();
    let name =
        |f: &anemone_apple::Finding| format!("{}[{} {}]", if f.of_class { '+' } else { '-' }, f.class, f.selector);
    let findings = Framework::preflight().iter();
    findings.map(|f| (name(f), f.expected.to_owned(), f.found.clone().unwrap_or_default())).collect()
}

#[test]
fn all_that_is_called_is_there_and_as_expected() {
    let found = found();
    assert!(found.len() >= 30, "{} methods are called", found.len());
    for (name, expected, found) in found {
        assert_eq!(found, expected.replace('B', "C"), "{name}");
    }
}

#[test]
fn published_types_are_the_doubles() {
    let found = found();
    for (name, published) in PUBLISHED {
        let (_, _, types) = found.iter().find(|(n, ..)| n == name).unwrap_or_else(|| panic!("{name} is not called"));
        assert_eq!(*types, published.replace('B', "C"), "{name}");
    }
}
