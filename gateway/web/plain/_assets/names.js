// Names for controls of GraphiQL's and Swagger UI's that have none, for who hears a page.

/** What a person who sees `control` reads beside it: the text of the `part` of the page that it is in. */
const nameOf = (control, part) => control.closest(part)?.textContent.match(/[\p{L}_][\p{L}\d_ -]{0,39}/u)?.[0].trim() || control.placeholder || 'Value';

/** Names every nameless control in `room`, now and whenever more of them come, and lets the keyboard reach texts that scroll. Gives what ends that. */
export const namesControls = (room, part) => {
  const name = () => {
    for (const text of room.querySelectorAll('.microlight:not([tabindex])')) text.tabIndex = 0;
    for (const control of room.querySelectorAll(':is(select, input, textarea):not([aria-label], [aria-labelledby], [type=checkbox])')) {
      if (!control.labels?.length) control.ariaLabel = nameOf(control, part);
    }
  };
  const watch = new MutationObserver(name);
  watch.observe(room, { childList: true, subtree: true });
  name();
  return () => watch.disconnect();
};
