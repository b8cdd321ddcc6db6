//! What is promised of handles and of the guard.

use super::*;

fn last_message() -> String {
    let mut buffer = [0_u8; 200];
    // SAFETY: the buffer has as many bytes as is said.
    let length =
        unsafe { last_error::lens_last_error_message(buffer.as_mut_ptr().cast(), buffer.len()) };
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn a_panic_is_a_status_and_the_next_call_works() {
    let handles = Handles::new();
    let handle = handles.insert(Arc::new(7)).expect("room");
    let status = guard(|| {
        let found = handles.find(handle)?;
        panic!("seven is {found}");
    });
    assert_eq!(status, codes::LENS_STATUS_INTERNAL);
    assert_eq!(last_message(), "seven is 7");
    assert_eq!(handles.find(handle).map(|found| *found).ok(), Some(7));
}

#[test]
fn a_panic_with_a_zero_byte_in_its_words_does_not_end_the_process() {
    let text = String::from("a\0b");
    let status = guard(|| panic!("{text}"));
    assert_eq!(
        (status, last_message().as_str()),
        (codes::LENS_STATUS_INTERNAL, "a?b")
    );
    let status = guard(|| Err(Refusal::new(codes::LENS_STATUS_CLOSED, "c\0d")));
    assert_eq!(
        (status, last_message().as_str()),
        (codes::LENS_STATUS_CLOSED, "c?d")
    );
    let status = guard(|| Err(Refusal::new(-311, "the server's codes pass")));
    assert_eq!(status, -311);
}

#[test]
fn a_place_can_be_used_more_often_than_its_version_counts() {
    let handles = Handles::new();
    let mut former = 0;
    for round in 0..70_000 {
        let handle = handles.insert(Arc::new(round)).expect("room");
        assert_ne!(handle, former);
        assert!(handles.find(former).is_err());
        assert_eq!(
            handles.remove(handle).map(|removed| *removed).ok(),
            Some(round)
        );
        former = handle;
    }
    assert_eq!(handles.len(), 0);
}

#[test]
fn each_kind_of_wrong_handle_is_told_apart() {
    let (names, numbers) = (Handles::new(), Handles::new());
    let name = names.insert(Arc::new("Anna")).expect("room");
    let number = numbers.insert(Arc::new(7)).expect("room");
    let why = |refused: Result<Arc<&str>, Refusal>| refused.err().map(|refusal| refusal.message);
    let says = |part: &str, found: Option<String>| {
        assert!(
            found.as_ref().is_some_and(|found| found.contains(part)),
            "{found:?}"
        );
    };
    says("is 0", why(names.find(0)));
    says("another kind", why(names.find(number)));
    says("no handle", why(names.find(u64::MAX)));
    assert_eq!(names.remove(name).ok().as_deref(), Some(&"Anna"));
    says("stale", why(names.find(name)));
    says("stale", why(names.remove(name)));
}

#[test]
fn a_full_map_refuses_and_goes_on() {
    let handles = Handles::new();
    let value = Arc::new(());
    let taken: Vec<u64> = std::iter::from_fn(|| handles.insert(Arc::clone(&value)).ok()).collect();
    assert_eq!(taken.len(), MOST);
    assert!(handles.remove(taken[9]).is_ok());
    assert!(handles.insert(value).is_ok());
}
