"""What each member of a record means: one sentence, shared by the record's type, its inputs, its filters and its orders."""

_CREATED = "When the {} was created, in UTC."
_UPDATED = "When the {} was last changed, in UTC."
_VERSION = "The version of the {}: a number that grows by one with every change."


class Deal:
    """Sentences on deals."""

    ID = "The id of the opportunity."
    NAME = "What the opportunity is called."
    ACCOUNT = "The account that the opportunity is with."
    VALUE = "What the opportunity is worth, in the workspace's currency."
    STAGE = "The stage of the pipeline that the opportunity is in."
    IS_CLOSED = "Whether the opportunity is closed: won or lost."
    PROBABILITY = "How likely the opportunity is to be won, in percent."
    CLOSE_DATE = "When the opportunity is expected to close."
    CLOSED_DATE = "When the opportunity was closed; only closed opportunities have this date."
    LOSS_REASON = "Why the opportunity was lost; only lost opportunities have a reason."
    ASSIGNED_TO = "The user who looks after the opportunity."
    SOURCE = "Where the opportunity came from, such as a campaign or a partner."
    CONTACTS = "The people who take part in the opportunity, in the order that was given."
    DESCRIPTION = "Notes on the opportunity, as free text."
    CREATED_AT = _CREATED.format("opportunity")
    UPDATED_AT = _UPDATED.format("opportunity")
    VERSION = _VERSION.format("opportunity")


class Company:
    """Sentences on accounts."""

    NAME = "The name of the account."
    WEBSITE = "The address of the account's website."
    INDUSTRY = "The industry that the account works in."
    CREATED_AT = _CREATED.format("account")
    UPDATED_AT = _UPDATED.format("account")
    VERSION = _VERSION.format("account")


class Person:
    """Sentences on contacts."""

    FIRST_NAME = "The first name of the contact."
    LAST_NAME = "The last name of the contact."
    EMAIL = "The e-mail address of the contact, unique in the workspace."
    PHONE = "The telephone number of the contact."
    TITLE = "The job title of the contact."
    ACCOUNT = "The account that the contact works for."
    CREATED_AT = _CREATED.format("contact")
    UPDATED_AT = _UPDATED.format("contact")
    VERSION = _VERSION.format("contact")


class Member:
    """Sentences on users."""

    NAME = "The full name of the user."
    EMAIL = "The e-mail address of the user, unique in the workspace."
    ROLE = "What the user may read and write."
    IS_ACTIVE = "Whether the user may sign in."
    ACCOUNT = "The one account that the user is limited to, if any; only viewers can be limited."


class Key:
    """Sentences on API keys."""

    NAME = "What the key is for, so that people can tell it from others."
    ROLE = "What the key may read and write."
    ACCOUNT = "The one account that the key is limited to, if any; only viewers can be limited."
    EXPIRES_AT = "When the key stops working, in UTC; null if it never does."
