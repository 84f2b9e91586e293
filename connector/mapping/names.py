"""The names that expressions may use, and what to say of others."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.mapping.filters import Table
from connector.mapping.habits import RECORDS, is_field_word, record_of, same_field
from connector.mapping.hints import bare, is_bare
from connector.mapping.outcomes import meant_outcome, outcome_of
from connector.mapping.words import closest, nearest, nearly


@dataclass(frozen=True, slots=True)
class Names:
    """The names that an expression may begin with, and their fields where all of them are known."""

    objects: Mapping[str, frozenset[str] | None]
    usual: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fields that are known of an object that may have more."""
    texts: frozenset[str] = frozenset()
    """Names that are values themselves: `reason`."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Names known in another place of a rule, each with where: `{"call": "write_back"}`."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """What the filter map may look up in."""
    words: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """Fields that have one of a few values, each with these."""
    usual_words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fields that usually have one of a few values, each with these."""
    stage_field: str | None = None
    """The one of these that holds ids of stages."""
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fields that are lists, by object: a contact's tags."""
    region: str | None = None
    """Country of numbers without a country code, for the filter phone."""

    @property
    def records(self) -> frozenset[str]:
        """Names of objects, here and in other CRMs."""
        return frozenset(self.objects) | RECORDS

    def unknown(self, name: str) -> str:
        """Say that nothing here is called so, and what is meant or possible."""
        if name in self.elsewhere:
            return f'"{name}" is known only in {self.elsewhere[name]}'
        known = [*self.objects, *self.texts]
        if said := record_of(list(self.objects), name):
            return f'"{name}" is not known here; {said}'
        return f'"{name}" is not known here{closest(name, known)}'

    def not_a_field(self, name: str) -> str:
        """What to say of a word that stands alone: a text without its quotes, or a field without its object."""
        fields = {**self.objects, **self.usual}
        object_name, _, key = name.partition("_")
        if key in (fields.get(object_name) or ()):
            return f'"{name}" is not known here; did you mean {object_name}.{key}?'
        if (
            name in self.elsewhere
            or record_of(list(self.objects), name)
            or (not is_bare(name) and nearest(name, [*self.objects, *self.texts]))
        ):
            return self.unknown(name)
        if name == "name" and "firstname" in (fields.get("contact") or ()):
            return '"name" is not known here; a person\'s name is contact.firstname and contact.lastname'
        if "call" in self.objects and (outcome := outcome_of(name)):
            return f"\"{name}\" is not known here; write call.outcome == '{outcome}'"
        word = name.casefold()
        meant = [f"{each}.{word}" for each, known in fields.items() if known and word in known]
        if word in ("stage", "pipeline"):
            meant = [f"event.{word}"]
        if meant in ([], ["event.source"]):
            meant = self._called(word)[:1]
        if not meant and name.islower() and len(name) > 3 and not is_bare(name):
            homes = {key: each for each, known in fields.items() for key in sorted(known or ())}
            near = nearly(name, homes)
            meant = [f"{homes[near]}.{near}"] if near else []
        advice = f"did you mean {' or '.join(meant)}?" if meant else bare(name)
        return f'"{name}" is not known here; {advice}'

    def labelled(self, label: str) -> str | None:
        """The field of which this is the label: contact.hs_lead_status of `Lead status`, deal.amount of `deal amount`."""
        word = "".join(label.casefold().split())
        if found := self._called("_".join(label.casefold().split())):
            of = label.casefold().split()[0]
            return next((each for each in found if each.startswith(f"{of}.")), found[0])
        for name, keys in self.usual.items():
            for key in sorted(keys):
                plain = key.casefold().removeprefix("hs_").replace("_", "")
                if word in (plain, f"{name}{plain}"):
                    return f"{name}.{key}"
        return None

    def home_of(self, key: str) -> str | None:
        """The object that has this field: the person's, where several have it."""
        homes = [each for each, known in self.usual.items() if key in known]
        return "contact" if "contact" in homes else next(iter(homes), None)

    def _called(self, word: str) -> list[str]:
        """Fields that some CRM calls so: a person's first, but an owner is the record's."""
        homes = (
            list(self.usual) if "owner" in word else sorted(self.usual, key=lambda each: each != "contact")
        )
        found = [(each, same_field(word, self.usual[each])) for each in homes if is_field_word(word)]
        return [f"{each}.{key}" for each, key in found if key]

    def wrong_word(self, field: str, word: str) -> str | None:
        """Say that a field (`event.how`) is never this word, and what it can be; None where it can, or nobody knows."""
        name, _, key = field.partition(".")
        known = self.words.get((name, key))
        if known is None or not word or word in known:
            return None
        if field == self.stage_field:
            return f'{field} holds ids of stages; write event.stage for "{word}", or the id'
        if field == "call.outcome":
            return f'"{word}" is never the value of {field}{meant_outcome(word)}'
        return f'"{word}" is never the value of {field}{closest(word, known)}'
