//! What a desk knows of who comes back.

use crate::sync::one_shot::Answer;

pub(super) type Claimant = Answer<Option<()>>;
