//! The option by which a query's data may become JSON.

use std::any::Any;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Value;
use crate::options::QueryOptions;
use crate::policy::Codec;
use crate::query::Query;

impl<Q: Query> QueryOptions<Q> {
    /// Its data may become JSON, and be made of it: for [`dehydrate`](crate::QueryClient::dehydrate), for
    /// storage and for other tabs. Default no. What belongs to somebody, which is all that is not
    /// [`public`](QueryOptions::public), leaves only under the [name of its scope](crate::ScopeName).
    ///
    /// ```
    /// use query_cache::{Query, QueryClient, ManualEnvironment, ScopeName, query, query_key};
    ///
    /// let name = || query(query_key!["name"], async |_| Ok::<_, String>("Ada".to_owned()))
    ///     .with_options(|options| options.dehydrated());
    ///
    /// let page = QueryClient::new(ManualEnvironment::new(1));
    /// page.name_scope(ScopeName::new("user_1"));
    /// page.set_data(&name(), "Grace".to_owned());
    /// let json = page.dehydrate(query_cache::QueryFilter::all()).json;
    ///
    /// let next = QueryClient::new(ManualEnvironment::new(1));
    /// next.name_scope(ScopeName::new("user_1"));
    /// assert_eq!(next.hydrate(&json).unwrap().taken, 1);
    /// assert_eq!(next.get_data(&name()).as_deref().map(String::as_str), Some("Grace"));
    /// ```
    pub fn dehydrated(self) -> Self
    where
        Q::Data: Serialize + DeserializeOwned,
    {
        let mut policy = self.into_policy();
        policy.custom().codec = Some(Codec { encode: encode::<Q::Data>, decode: decode::<Q::Data> });
        QueryOptions::of(policy)
    }
}

fn encode<T: Serialize + 'static>(data: &dyn Any) -> Result<String, String> {
    let data = data.downcast_ref::<T>().ok_or("data of another type")?;
    serde_json::to_string(data).map_err(|error| error.to_string())
}

fn decode<T: DeserializeOwned + 'static>(json: &str) -> Result<Value, String> {
    match serde_json::from_str::<T>(json) {
        Ok(data) => Ok(Rc::new(data)),
        Err(error) => Err(error.to_string()),
    }
}
