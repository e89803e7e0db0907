"""What every network in torch promises: `headstart.sources.networks.torch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core import registry
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.sources.networks.torch import load_state, state_of
from headstart.testing.checks import expect, expect_close, expect_equal, source_of
from headstart.testing.onnx_networks import features_of, items_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

    from headstart.core.arrays import FloatArray
    from headstart.sources import Source
    from headstart.testing.checks import Subject

_ATOL, _RTOL = 1e-4, 1e-3


def cases(subject: Subject) -> dict[str, TorchNetworkChecks]:
    """The small source of the network of that name is the only case."""
    return {"": TorchNetworkChecks(subject.part, source_of(subject.name))}


@dataclass(frozen=True)
class TorchNetworkChecks:
    """A network in miniature that can be trained."""

    build: Callable[..., torch.nn.Module]
    source: Source

    def check_gives_the_features_of_the_graph(self) -> None:
        """It gives the features of the graph, with the weights of the source and with fresh ones."""
        items = items_of(self.source)
        for source in (self.source, self.source.with_random_weights(3)):
            found = _computed(self._module(source), self._batch())
            expect_close(found, features_of(source, items), "the features in torch", atol=_ATOL, rtol=_RTOL)

    def check_names_its_arrays_as_the_state_does(self) -> None:
        """Its parameters have the names and values of the state, and no kernel of the state is left out."""
        state, found = self.source.state(), state_of(self._module(self.source))
        expect(set(found) <= set(state), f"Expected names of the state, got {sorted(set(found) - set(state))[:3]}.")
        for name, array in found.items():
            expect_equal(array, state[name].astype(np.float32), f"'{name}'")
        unused = [name for name in set(state) - set(found) if state[name].ndim == 4]
        expect(not unused, f"Expected all kernels to be used, got none of {unused[:3]}.")

    def check_each_parameter_lies_in_one_block(self) -> None:
        """Each parameter lies in exactly one of its blocks."""
        module: Any = self._module(self.source)
        placed = [parameter for block in module.blocks.values() for parameter in block.parameters()]
        n = len(list(module.parameters()))
        message = f"Expected {n} parameters, each in one block, got {len(placed)} in all blocks."
        expect(sorted(map(id, placed)) == sorted(map(id, module.parameters())), message)

    def check_trained_and_written_it_is_still_the_graph(self) -> None:
        """After a step of training most parameters have changed, and the graph of the new state gives its features."""
        module, items = self._module(self.source).train(), items_of(self.source)
        before = state_of(module)
        self._take_a_step(module)
        state = state_of(module)
        trained = [name for name, _ in module.named_parameters()]
        changed = [name for name in trained if not np.array_equal(state[name], before[name])]
        expect(len(changed) > len(trained) // 2, f"Expected most of {len(trained)} to change, got {len(changed)}.")
        found, computed = self._written(state), _computed(module.train(mode=False), self._batch())
        expect_close(computed, found, "the features after training", atol=_ATOL, rtol=_RTOL)
        is_same = np.allclose(found, features_of(self.source, items), rtol=_RTOL)
        expect(not is_same, "Expected other features after training, got the same.")

    def _module(self, source: Source) -> torch.nn.Module:
        state = source.state()
        module = self.build(state, source.card)
        load_state(module, state)
        return module.train(mode=False)

    def _batch(self) -> dict[str, torch.Tensor]:
        import torch

        prepared = self.source.input.transform(items_of(self.source))
        return {name: torch.from_numpy(array) for name, array in prepared.items()}

    def _take_a_step(self, module: torch.nn.Module) -> None:
        import torch

        optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
        module(**self._batch()).square().mean().backward()
        optimizer.step()

    def _written(self, state: Mapping[str, FloatArray]) -> FloatArray:
        """Features by the graph that the network of the same name writes from a state."""
        graph = GraphBuilder()
        value = registry.get("onnx_networks", self.source.card.architecture).encode(graph, state, self.source.card)
        graph.output(value, "features", "float32", ["batch", self.source.dimensions])
        session = open_session(graph.model().SerializeToString(), threads=1)
        features: FloatArray = session.run(None, self.source.input.transform(items_of(self.source)))[0]
        return features


def _computed(module: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> FloatArray:
    import torch

    with torch.no_grad():
        features: FloatArray = module(**batch).numpy()
    return features
