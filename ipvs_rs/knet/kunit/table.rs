// SPDX-License-Identifier: GPL-2.0

//! The hash table.

use kernel::prelude::*;

#[kunit_tests(knet_table)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::{
        field::field,
        hashtable::{Cursor, InsertError, Node, Table},
        kunit::Probe,
        rcu::{self, Arc},
    };

    /// What tables hold.
    struct Entry {
        number: u32,
        node: Node<Entry>,
        _probe: Probe,
    }

    fn entry(number: u32, ends: &'static AtomicUsize) -> Result<Arc<Entry>> {
        let (node, _probe) = (Node::new(7), Probe(ends));
        let entry = Entry {
            number,
            node,
            _probe,
        };
        Arc::new(entry, GFP_KERNEL)
    }

    fn enter(table: &Table<Entry>, entry: &Arc<Entry>) -> Result<(), InsertError> {
        let guard = rcu::read_lock();
        let hash = entry.number.wrapping_mul(0x9E37_79B9);
        let is_same = |other: &Entry, _| other.number == entry.number;
        table.insert(entry, field!(Entry, node), hash, &guard, is_same)
    }

    fn is_there(table: &Table<Entry>, number: u32) -> bool {
        let hash = number.wrapping_mul(0x9E37_79B9);
        let guard = rcu::read_lock();
        let found = table.find(hash, &guard, |entry, tag| {
            tag == 7 && entry.number == number
        });
        found.is_some()
    }

    fn walk(table: &Table<Entry>) -> usize {
        let (guard, mut cursor) = (rcu::read_lock(), Cursor::default());
        let mut count = 0_usize;
        while table.next(&mut cursor, &guard).is_some() {
            count = count.wrapping_add(1);
        }
        count
    }

    #[test]
    fn table_refuses_what_it_must() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let table = KBox::pin_init(Table::new(2), GFP_KERNEL)?;
        let (one, same, other) = (entry(1, &ENDS)?, entry(1, &ENDS)?, entry(2, &ENDS)?);
        // There are no buckets yet.
        assert_eq!(enter(&table, &one), Err(InsertError::Unusable));
        table.resize(4)?;
        assert!(enter(&table, &one).is_ok());
        assert_eq!(enter(&table, &same), Err(InsertError::Exists));
        assert!(table.remove(&other.node).is_none());
        assert!(table.remove(&one.node).is_some());
        assert!(table.remove(&one.node).is_none());
        // A node is used once.
        assert_eq!(enter(&table, &one), Err(InsertError::Unusable));
        assert!(table.resize(32).is_err());
        Ok(())
    }

    #[test]
    fn table_keeps_all_through_resizes_and_drops_them() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        const MANY: u32 = 500;
        let before = ENDS.load(Relaxed);
        let table = KBox::pin_init(Table::new(2), GFP_KERNEL)?;
        table.resize(3)?;
        for number in 0..MANY {
            assert!(enter(&table, &entry(number, &ENDS)?).is_ok());
        }
        for bits in [9, 3, 12, 2] {
            table.resize(bits)?;
            assert_eq!(table.bits(), Some(bits));
            assert_eq!(walk(&table), MANY as usize);
            assert!((0..MANY).all(|number| is_there(&table, number)));
        }
        assert!(!is_there(&table, MANY));
        drop(table);
        rcu::barrier(1);
        assert_eq!(ENDS.load(Relaxed), before + MANY as usize);
        Ok(())
    }
}
