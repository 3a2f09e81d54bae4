//! Storage whose slots are named by number and generation, so that an old name finds nothing.

/// The name of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    index: u32,
    generation: u32,
}

impl Slot {
    /// A name that finds nothing.
    pub const NONE: Slot = Slot { index: u32::MAX, generation: u32::MAX };
}

pub(crate) struct Slab<T> {
    slots: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub fn insert(&mut self, value: T) -> Slot {
        if let Some(index) = self.free.pop()
            && let Some((generation, slot)) = self.slots.get_mut(index as usize)
        {
            *slot = Some(value);
            return Slot { index, generation: *generation };
        }
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push((0, Some(value)));
        Slot { index, generation: 0 }
    }

    pub fn get(&self, slot: Slot) -> Option<&T> {
        match self.slots.get(slot.index as usize) {
            Some((generation, value)) if *generation == slot.generation => value.as_ref(),
            _ => None,
        }
    }

    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        match self.slots.get_mut(slot.index as usize) {
            Some((generation, value)) if *generation == slot.generation => value.as_mut(),
            _ => None,
        }
    }

    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let (generation, value) = self.slots.get_mut(slot.index as usize)?;
        if *generation != slot.generation {
            return None;
        }
        let value = value.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(slot.index);
        Some(value)
    }

    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The names of all that is in here.
    pub fn names(&self) -> Vec<Slot> {
        (0_u32..)
            .zip(&self.slots)
            .filter(|(_, (_, value))| value.is_some())
            .map(|(index, (generation, _))| Slot { index, generation: *generation })
            .collect()
    }
}
