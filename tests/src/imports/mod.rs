//! Which file of a package imports which: floors that are kept apart, and circles.
//!
//! An import is a path, in a `use` or elsewhere, and leads to the file that defines what it names, through whatever
//! re-exports it on the way. A folder's `mod.rs` that re-exports what its files define does not import them. What is
//! compiled for tests only is left out.

mod paths;
mod tokens;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs, io,
    path::Path,
};

use paths::Named;

/// A module, from the root of its package; the root is empty.
type Module = Vec<String>;

/// The files of a package, and what each imports.
#[derive(Debug, Default)]
pub struct Imports {
    files: BTreeMap<Module, File>,
    /// By who imports and what is imported: the first line where it does.
    edges: BTreeMap<(Module, Module), usize>,
}

#[derive(Debug, Default)]
struct File {
    /// As it is called in what is told of it.
    name: String,
    named: Vec<Named>,
}

impl Imports {
    /// Reads all files below a folder, `src` of a package.
    ///
    /// # Errors
    /// As the file system has it.
    pub fn read(src: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![src.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == "rs") {
                    let name = path
                        .strip_prefix(src)
                        .unwrap_or(&path)
                        .display()
                        .to_string();
                    files.push((name, fs::read_to_string(&path)?));
                }
            }
        }
        Ok(Self::new(
            files.iter().map(|(name, text)| (&**name, &**text)),
        ))
    }

    /// The same, of files by name (`handle/socket.rs`) and text.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut imports = Self::default();
        let mut tests = BTreeSet::new();
        for (name, text) in files {
            let module = module(name);
            let (tokens, of_tests) = tokens::shipped(text);
            tests.extend(of_tests.into_iter().map(|it| [&module[..], &[it]].concat()));
            let (name, named) = (name.to_owned(), paths::named(&tokens));
            imports.files.insert(module, File { name, named });
        }
        let is_test =
            |module: &Module| (1..=module.len()).any(|end| tests.contains(&module[..end]));
        imports.files.retain(|module, _| !is_test(module));
        imports.edges = imports.found();
        imports
    }

    /// What is wrong, a line each with file and line: an import of a floor above one's own, and an import that leads
    /// back to where it stands.
    ///
    /// `floors` are modules from the ground up; what is below a module is on its floor, unless it has one of its own.
    pub fn faults(&self, floors: &[&str]) -> Vec<String> {
        let ways = Ways::new(floors, self.edges.keys());
        let faults = self.edges.iter().filter_map(|(edge, line)| {
            let why = ways.fault(floors, edge)?;
            let (name, other) = (&self.files[&edge.0].name, edge.1.join("::"));
            Some(format!("{name}:{line} imports {other}{why}"))
        });
        faults.collect()
    }

    /// Modules without a floor, the root left out, and floors without a module.
    pub fn homeless(&self, floors: &[&str]) -> Vec<String> {
        let modules = self
            .files
            .keys()
            .filter(|it| !it.is_empty() && floor(floors, it).is_none());
        let empty = floors
            .iter()
            .filter(|it| !self.files.contains_key(&path(it)));
        let modules = modules.map(|it| it.join("::"));
        modules.chain(empty.map(|it| (*it).to_owned())).collect()
    }

    fn found(&self) -> BTreeMap<(Module, Module), usize> {
        let mut edges = BTreeMap::new();
        for (module, file) in &self.files {
            for named in &file.named {
                let Some(path) = self.absolute(module, &named.path, 0) else {
                    continue;
                };
                let Some(home) = self.home(&path, 0) else {
                    continue;
                };
                let shown = named.public && home.starts_with(module);
                if home != *module && !shown {
                    let line = edges.entry((module.clone(), home)).or_insert(named.line);
                    *line = named.line.min(*line);
                }
            }
        }
        edges
    }

    /// A path from the package's root, as it is meant in a module. `None`: it leads to another package.
    fn absolute(&self, module: &[String], path: &[String], depth: usize) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" => {
                let supers = path.iter().take_while(|it| *it == "super").count();
                let up = module.len().checked_sub(supers)?;
                Some([&module[..up], &path[supers..]].concat())
            }
            _ if self
                .files
                .contains_key(&[module, std::slice::from_ref(first)].concat()) =>
            {
                Some([module, path].concat())
            }
            _ if depth > FAR => None,
            _ => {
                let named = self.files.get(module)?.named.iter();
                let mut here =
                    named.filter(|it| it.alias.as_ref() == Some(first) && it.path != path[..1]);
                let before = self.absolute(module, &here.next()?.path, depth + 1)?;
                Some([&before[..], rest].concat())
            }
        }
    }

    /// The file that defines what a path names.
    fn home(&self, path: &[String], depth: usize) -> Option<Module> {
        let end = (0..=path.len())
            .rev()
            .find(|end| self.files.contains_key(&path[..*end]))?;
        let (module, rest) = path.split_at(end);
        let Some((first, rest)) = rest.split_first().filter(|_| depth < FAR) else {
            return Some(module.to_vec());
        };
        let mut here = self.files[module].named.iter();
        let Some(import) = here.find(|it| it.alias.as_ref() == Some(first)) else {
            return Some(module.to_vec());
        };
        // What another package defines is re-exported here, and nobody of this package is imported by that.
        let elsewhere = self.absolute(module, &import.path, 0)?;
        self.home(&[&elsewhere[..], rest].concat(), depth + 1)
    }
}

/// Re-exports that are followed one after the other.
const FAR: usize = 16;

fn module(file: &str) -> Module {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(path, "lib" | "mod") {
        return Module::new();
    }
    path.split('/').map(str::to_owned).collect()
}

fn path(module: &str) -> Module {
    module.split("::").map(str::to_owned).collect()
}

/// The floor with the longest name that a module is in.
fn floor(floors: &[&str], module: &[String]) -> Option<usize> {
    let its = floors
        .iter()
        .enumerate()
        .filter(|(_, it)| module.starts_with(&path(it)));
    its.max_by_key(|(_, it)| it.len()).map(|(at, _)| at)
}

/// The floor that an import leads to and the one it stands on, if that is below.
fn upwards<'a>(floors: &[&'a str], (from, to): &(Module, Module)) -> Option<(&'a str, &'a str)> {
    let (its, other) = (floor(floors, from)?, floor(floors, to)?);
    (other > its).then(|| (floors[other], floors[its]))
}

/// Imports that do not lead upwards, to be walked along.
struct Ways<'a>(BTreeMap<&'a Module, Vec<&'a Module>>);

impl<'a> Ways<'a> {
    fn new(floors: &[&str], edges: impl Iterator<Item = &'a (Module, Module)>) -> Self {
        let mut ways = BTreeMap::<_, Vec<_>>::new();
        for (from, to) in edges.filter(|it| upwards(floors, it).is_none()) {
            ways.entry(from).or_default().push(to);
        }
        Self(ways)
    }

    /// What is wrong about an import, if anything is.
    fn fault(&self, floors: &[&str], edge: &(Module, Module)) -> Option<String> {
        if let Some((other, its)) = upwards(floors, edge) {
            return Some(format!(", but {other} is built on {its}"));
        }
        let back = self.shortest(&edge.1, &edge.0)?;
        let back: Vec<_> = back.iter().map(|it| it.join("::")).collect();
        Some(format!(", which imports it: {}", back.join(" -> ")))
    }

    /// The shortest way, both ends included.
    fn shortest<'b>(&'b self, from: &'b Module, to: &Module) -> Option<Vec<&'b Module>> {
        let mut before = BTreeMap::<&Module, Option<&Module>>::from([(from, None)]);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            if at == to {
                let mut way = vec![at];
                while let Some(Some(earlier)) = way.last().and_then(|it| before.get(it)) {
                    way.push(earlier);
                }
                way.reverse();
                return Some(way);
            }
            for other in self.0.get(at).into_iter().flatten() {
                if !before.contains_key(other) {
                    before.insert(other, Some(at));
                    queue.push_back(other);
                }
            }
        }
        None
    }
}
