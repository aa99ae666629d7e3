//! Facts that several questions share: found out by whoever asks first, and kept by their type. A fact is a type of its
//! own, so that none has to be listed anywhere.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// What has been found out so far.
#[derive(Default)]
pub(crate) struct Memo(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Memo {
    /// The fact of type `T`. Who asks while another finds it out waits for that; what could not be found out is tried
    /// again by the next who asks.
    ///
    /// # Errors
    /// That of `find`.
    pub(crate) fn get<T, E>(&self, find: impl Future<Output = Result<T, E>>) -> impl Future<Output = Result<Arc<T>, E>>
    where
        T: Send + Sync + 'static,
    {
        // On the heap: whoever asks is a part of something larger, and only the first has to find it out.
        let find = Box::pin(find);
        let cell = self.cell::<T>();
        async move { cell.get_or_try_init(|| async { find.await.map(Arc::new) }).await.cloned() }
    }

    /// The fact of type `T`, if somebody has found it out.
    pub(crate) fn known<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.cell::<T>().get().cloned()
    }

    fn cell<T: Send + Sync + 'static>(&self) -> Arc<OnceCell<Arc<T>>> {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(OnceCell::<Arc<T>>::new())).clone();
        drop(cells);
        cell.downcast().expect("the cell of a type is one for that type")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Answer(u32);

    #[tokio::test]
    async fn a_fact_is_found_out_once_and_a_failure_is_not_kept() {
        let memo = Memo::default();
        let asked = AtomicU32::new(0);
        let find = async |found: Result<u32, &'static str>| {
            let found = async {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                found.map(Answer)
            };
            memo.get(found).await
        };
        assert!(memo.known::<Answer>().is_none());
        assert_eq!(find(Err("no")).await.err(), Some("no"));
        let (one, other) = tokio::join!(find(Ok(1)), find(Ok(2)));
        assert_eq!((one.unwrap().0, other.unwrap().0), (1, 1));
        assert_eq!(memo.known::<Answer>().map(|answer| answer.0), Some(1));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        // Another type is another fact.
        assert!(memo.known::<u32>().is_none());
    }
}
