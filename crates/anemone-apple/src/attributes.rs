//! What the framework says of a loaded program: its procedures, their ports, and how those lie in memory.

use crate::error::Error;
use crate::layout::{ElementType, Layout, Strides};
use objc2::rc::Retained;
use objc2::runtime::AnyObject;
use objc2_foundation::{NSArray, NSDictionary, NSNumber, NSString};

/// A function of a loaded program.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Procedure {
    /// The function's name.
    pub name: String,
    /// The number that requests name it by.
    pub id: usize,
    /// The inputs that the program reads. The order is the framework's.
    pub inputs: Vec<Port>,
    /// The outputs. The order is the framework's.
    pub outputs: Vec<Port>,
}

impl Procedure {
    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<&Port> {
        self.inputs.iter().find(|p| p.name == name)
    }

    /// The output of this name.
    pub fn output(&self, name: &str) -> Option<&Port> {
        self.outputs.iter().find(|p| p.name == name)
    }
}

/// An input or output of a procedure.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Port {
    /// Its name in the program's text.
    pub name: String,
    /// The number that requests name it by.
    pub symbol: usize,
    /// How it lies in a surface.
    pub layout: Layout,
}

/// How the framework spells the symbol of an output.
const OUTPUT: &str = "@output";

fn bare(symbol: &str) -> &str {
    symbol.strip_suffix(OUTPUT).unwrap_or(symbol)
}

fn unknown(what: impl Into<String>) -> Error {
    Error::Attributes(what.into())
}

/// A dictionary with strings for keys, and where it is, for messages.
struct Dictionary {
    object: Retained<NSDictionary>,
    path: String,
}

impl Dictionary {
    fn new(object: Retained<AnyObject>, path: String) -> Result<Dictionary, Error> {
        match object.downcast::<NSDictionary>() {
            Ok(object) => Ok(Dictionary { object, path }),
            Err(other) => Err(unknown(format!("{path} is a {}, no dictionary", other.class()))),
        }
    }

    fn find(&self, key: &str) -> Option<Retained<AnyObject>> {
        self.object.objectForKey(&NSString::from_str(key))
    }

    fn missing(&self, key: &str, what: &str) -> Error {
        unknown(format!("{} has no {what} `{key}`", self.path))
    }

    fn dictionary(&self, key: &str) -> Result<Dictionary, Error> {
        let object = self.find(key).ok_or_else(|| self.missing(key, "dictionary"))?;
        Dictionary::new(object, format!("{}.{key}", self.path))
    }

    fn array(&self, key: &str) -> Result<Vec<Retained<AnyObject>>, Error> {
        let array = self.find(key).and_then(|o| o.downcast::<NSArray>().ok());
        Ok(array.ok_or_else(|| self.missing(key, "array"))?.to_vec())
    }

    /// The dictionaries in an array; none if it is not there.
    fn dictionaries(&self, key: &str) -> Result<Vec<Dictionary>, Error> {
        let Some(object) = self.find(key) else { return Ok(Vec::new()) };
        let array = object.downcast::<NSArray>().map_err(|_| self.missing(key, "array"))?;
        let named = |(i, o)| Dictionary::new(o, format!("{}.{key}[{i}]", self.path));
        array.to_vec().into_iter().enumerate().map(named).collect()
    }

    fn strings(&self, key: &str) -> Result<Vec<String>, Error> {
        let string = |o: Retained<AnyObject>| o.downcast::<NSString>().ok().map(|s| s.to_string());
        let strings: Option<Vec<_>> = self.array(key)?.into_iter().map(string).collect();
        strings.ok_or_else(|| self.missing(key, "array of strings"))
    }

    fn numbers(&self, key: &str) -> Result<Vec<usize>, Error> {
        let numbers: Option<Vec<_>> = self.array(key)?.iter().map(|o| number(o)).collect();
        numbers.ok_or_else(|| self.missing(key, "array of numbers"))
    }

    fn string(&self, key: &str) -> Option<String> {
        Some(self.find(key)?.downcast::<NSString>().ok()?.to_string())
    }

    fn number(&self, key: &str) -> Option<usize> {
        number(&*self.find(key)?)
    }
}

fn number(object: &AnyObject) -> Option<usize> {
    usize::try_from(object.downcast_ref::<NSNumber>()?.as_i64()).ok()
}

/// Reads the attributes of a loaded program.
///
/// # Errors
/// [`Error::Attributes`], naming what is not as it is known to be.
pub(crate) fn read(attributes: Retained<AnyObject>) -> Result<Vec<Procedure>, Error> {
    let root = Dictionary::new(attributes, "modelAttributes".to_owned())?;
    let description = root.dictionary("ANEFModelDescription")?;
    let inputs = description.strings("kANEFModelInputSymbolsArrayKey")?;
    let outputs = description.strings("kANEFModelOutputSymbolsArrayKey")?;
    let ids = description.dictionary("kANEFModelProcedureNameToIDMapKey").ok();
    let procedures = description.dictionaries("ANEFModelProcedures")?;
    let networks = root.dictionaries("NetworkStatusList")?;
    if networks.is_empty() {
        return Err(root.missing("NetworkStatusList", "non-empty array"));
    }
    let procedure = |(position, network): (usize, Dictionary)| {
        let name = network.string("Name").unwrap_or_default();
        let id = ids.as_ref().and_then(|ids| ids.number(&name)).unwrap_or(position);
        let own = procedures.iter().find(|p| p.number("ANEFModelProcedureID") == Some(id));
        let symbols = |key: &str| own.map(|p| p.numbers(key)).transpose();
        let ports = |list: &str, all: &[String], own: Option<Vec<usize>>| {
            let port = |entry: &Dictionary| port(entry, all, own.as_deref());
            network.dictionaries(list)?.iter().map(port).collect::<Result<Vec<_>, Error>>()
        };
        Ok(Procedure {
            inputs: ports("LiveInputList", &inputs, symbols("ANEFModelInputSymbolIndexArray")?)?,
            outputs: ports("LiveOutputList", &outputs, symbols("ANEFModelOutputSymbolIndexArray")?)?,
            name,
            id,
        })
    };
    networks.into_iter().enumerate().map(procedure).collect()
}

/// A port: its symbol's number is its place among all symbols of the program, and among those of its procedure.
fn port(entry: &Dictionary, all: &[String], own: Option<&[usize]>) -> Result<Port, Error> {
    let name = entry.string("Symbol").or_else(|| entry.string("Name"));
    let name = name.ok_or_else(|| entry.missing("Symbol", "string"))?;
    let name = bare(&name).to_owned();
    let is_own = |at: &usize| own.is_none_or(|own| own.contains(at));
    let symbol = (0..all.len()).filter(is_own).find(|at| bare(&all[*at]) == name);
    let symbol = symbol.ok_or_else(|| unknown(format!("`{name}` of {} is no symbol of the program", entry.path)))?;
    Ok(Port { name, symbol, layout: layout(entry)? })
}

fn layout(entry: &Dictionary) -> Result<Layout, Error> {
    let ty = entry.string("Type").ok_or_else(|| entry.missing("Type", "string"))?;
    let element = ElementType::named(&ty).ok_or_else(|| unknown(format!("{} is of type `{ty}`", entry.path)))?;
    let count = |key: &str| entry.number(key).unwrap_or(1);
    let dims = [count("Batches"), count("Channels"), count("Depth"), count("Height"), count("Width")];
    let stride = |key: &str| entry.number(key);
    let strides = Strides {
        batch: stride("BatchStride"),
        depth: stride("DepthStride"),
        plane: stride("PlaneStride"),
        row: stride("RowStride"),
    };
    Layout::new(element, dims, strides, entry.number("Interleave").unwrap_or(1))
        .map_err(|e| unknown(format!("{}: {e}", entry.path)))
}
