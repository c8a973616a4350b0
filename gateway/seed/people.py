"""Accounts, and the people: users who sell and contacts who buy."""

from collections.abc import Iterator, Sequence

from schema.rules.access import Role
from schema.rules.text import fold, fold_email, fold_name

from .values import RandomValues, SeedRow
from .words import COMPANY_FORMS, COMPANY_KINDS, COMPANY_STEMS, FIRST_NAMES, INDUSTRIES, LAST_NAMES, TITLES

_COMBINATIONS = len(COMPANY_STEMS) * len(COMPANY_KINDS) * len(COMPANY_FORMS)
# Everything else began after its people and companies did.
BEGINNING_DAYS = 800
SPREAD_DAYS = 60
# RFC 2606 section 3: mail to these names reaches nobody.
TOP_LEVEL = "example"
SELLERS_TOP_LEVEL = "sales.example"


def accounts(source: RandomValues, count: int) -> list[SeedRow]:
    """`count` companies, no two of one name; the first is Acme Corp."""
    numbers = source.random.sample(range(max(_COMBINATIONS, count)), count)
    return [_account(source, *_company(number, index)) for index, number in enumerate(numbers)]


def _company(number: int, index: int) -> tuple[str, str]:
    """A company's name and the name of its site."""
    if index == 0:
        return "Acme Corp", "acme"
    round_, number = divmod(number, _COMBINATIONS)
    rest, form = divmod(number, len(COMPANY_FORMS))
    stem, kind = divmod(rest, len(COMPANY_KINDS))
    parts = (COMPANY_STEMS[stem], COMPANY_KINDS[kind], COMPANY_FORMS[form])
    more = f" {round_ + 1}" if round_ else ""
    return " ".join(name for name, _ in parts) + more, f"{'-'.join(site for _, site in parts)}{more.strip()}"


def _account(source: RandomValues, name: str, site: str) -> SeedRow:
    created = _beginning(source)
    return _dated(
        created,
        workspace_id=source.workspace_id,
        id=source.id("acc", created),
        name=name,
        name_folded=fold_name(name),
        website=f"https://{site}.{TOP_LEVEL}" if source.chance(0.9) else None,
        industry=source.pick(INDUSTRIES) if source.chance(0.95) else None,
    )


def users(source: RandomValues, count: int, companies: Sequence[SeedRow]) -> list[SeedRow]:
    """`count` users: the first an admin, one in eight a viewer (every other of them limited to an account), one in twenty gone."""
    return [_user(source, index, companies) for index in range(count)]


def _user(source: RandomValues, index: int, companies: Sequence[SeedRow]) -> SeedRow:
    name, mail = _person(source)
    role = Role.ADMIN if index == 0 else Role.VIEWER if _last_of(8, index) else Role.MEMBER
    email = f"{mail}{index or ''}@{SELLERS_TOP_LEVEL}"
    created = _beginning(source)
    return _dated(
        created,
        workspace_id=source.workspace_id,
        id=source.id("usr", created),
        name=" ".join(name),
        search_folded=fold(f"{' '.join(name)}\n{email}"),
        email=email,
        email_folded=fold_email(email),
        role=role.value,
        is_active=not _last_of(20, index),
        account_id=companies[index % len(companies)]["id"] if _last_of(16, index) else None,
    )


def _last_of(every: int, index: int) -> bool:
    return index % every == every - 1


def contacts(source: RandomValues, count: int, companies: Sequence[SeedRow]) -> Iterator[SeedRow]:
    """`count` contacts, dealt out to the companies in turn."""
    return (_contact(source, index, companies[index % len(companies)]) for index in range(count))


def _contact(source: RandomValues, index: int, company: SeedRow) -> SeedRow:
    (first, last), mail = _person(source)
    site = str(company["website"] or "https://mail.example").removeprefix("https://")
    email = f"{mail}{index}@{site}"
    created = _beginning(source)
    return _dated(
        created,
        workspace_id=source.workspace_id,
        id=source.id("cnt", created),
        first_name=first,
        last_name=last,
        name=f"{first} {last}",
        search_folded=fold(f"{first} {last}\n{email}"),
        email=email,
        email_folded=fold_email(email),
        phone=f"+1 555 01{index % 100:02} {source.random.randrange(1000):03}" if source.chance(0.7) else None,
        title=source.pick(TITLES) if source.chance(0.85) else None,
        account_id=company["id"],
    )


def _person(source: RandomValues) -> tuple[tuple[str, str], str]:
    """First and last name, and the two as an address has them."""
    first, first_mail = source.pick(FIRST_NAMES)
    last, last_mail = source.pick(LAST_NAMES)
    return (first, last), f"{first_mail}.{last_mail}"


def _beginning(source: RandomValues) -> int:
    return source.earlier(SPREAD_DAYS) - BEGINNING_DAYS * 86_400


def _dated(created: int, **row: object) -> SeedRow:
    return {**row, "created_at": created, "updated_at": created, "version": 1}
