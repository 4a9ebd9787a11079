"""Generic data of SDMX-ML 2.1: every value is an element that names its component.

SDMX 2.1 section 3A, part IV (SDMXDataGenericBase.xsd). Keys and attributes of groups are told apart.
"""

from __future__ import annotations

from ..report import Place
from .ml_data_message import DataMessage, Head
from .ml_events import SILENT, Action, Attributes, State

TIME = "TIME_PERIOD"
VALUE = "OBS_VALUE"


def dataset(message: DataMessage) -> tuple[Action, State]:
    """What to do at the start of a DataSet, and within."""
    return message.begin_dataset, _DataSet(message).state()


class _DataSet:
    """What is being told at the moment: `told` is where the next values belong."""

    def __init__(self, message: DataMessage) -> None:
        self._message = message
        self._told: Head = {}
        self._series: Head = {}
        self._group: tuple[Head, Head] = {}, {}  # its key, its attributes

    def state(self) -> State:
        passed = dict.fromkeys(("Annotations", "DataProvider"), (None, SILENT))
        values = State({"Value": (self._value, State())})
        in_observation = State(
            {
                **passed,
                "ObsKey": (None, values),
                "ObsDimension": (self._observation_dimension, State()),
                "ObsValue": (self._observation_value, State()),
                "Attributes": (None, values),
            }
        )
        observation = (self._observation, in_observation)
        in_series = {"SeriesKey": (self._of_series, values), "Attributes": (self._of_series, values)}
        in_group = {"GroupKey": (self._of_key, values), "Attributes": (self._of_group, values)}
        attributes = State(values, closing=lambda: self._message.attach(self._told, {}))
        series = State({**passed, **in_series, "Obs": observation}, closing=self._message.end_series)
        group = State({**passed, **in_group}, closing=self._end_group)
        return State(
            {
                **passed,
                "Attributes": (self._of_dataset, attributes),
                "Group": (self._begin_group, group),
                "Series": (self._begin_series, series),
                "Obs": observation,
            },
            closing=self._message.end_dataset,
        )

    def _value(self, said: Attributes) -> None:
        self._given(said.get("id", ""), said)

    def _given(self, id: str, said: Attributes) -> None:
        if id in self._told:
            self._message.repeated.add([Place(row=self._message.events.line, given=id)])
        elif id:
            self._told[id] = said.get("value", "")

    def _observation(self, _: Attributes) -> None:
        message = self._message
        self._told = {}
        message.observations.append(self._told)
        message.lines.append(message.events.line)

    def _observation_dimension(self, said: Attributes) -> None:
        self._given(said.get("id") or self._message.dataset.structured.observation or TIME, said)

    def _observation_value(self, said: Attributes) -> None:
        self._given(said.get("id") or VALUE, said)

    def _begin_series(self, _: Attributes) -> None:
        self._series = {}
        self._message.begin_series(self._series)

    def _of_series(self, _: Attributes) -> None:
        self._told = self._series
        if not self._message.series_is_open:
            self._told = {}
            self._message.events.passed_over("Attributes")

    def _of_dataset(self, _: Attributes) -> None:
        self._told = {}

    def _begin_group(self, _: Attributes) -> None:
        self._group = {}, {}

    def _of_key(self, _: Attributes) -> None:
        self._told = self._group[0]

    def _of_group(self, _: Attributes) -> None:
        self._told = self._group[1]

    def _end_group(self) -> None:
        key, attributes = self._group
        self._message.attach(attributes, key)
