"""The tree is the one of RFC 6962, by the vectors that Certificate Transparency's own programs use."""

from __future__ import annotations

from random import Random

import pytest

from audit.trail.merkle import Frontier, Tree

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
tree = Tree("sha256")
hashes = [tree.leaf(leaf) for leaf in LEAVES]


def test_the_empty_tree_is_the_hash_of_nothing():
    assert tree.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier(tree).root() == tree.root([])


@pytest.mark.parametrize(("size", "root"), list(enumerate(ROOTS, start=1)))
def test_roots_are_those_of_the_vectors(size, root):
    assert tree.root(hashes[:size]).hex() == root
    frontier = Frontier(tree)
    frontier.extend(hashes[:size])
    assert frontier.root().hex() == root


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, ()),
        (
            0,
            8,
            (
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ),
        ),
        (
            5,
            8,
            (
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ),
        ),
        (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
        (
            1,
            5,
            (
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ),
        ),
    ],
)
def test_inclusion_proofs_are_those_of_the_vectors(index, size, path):
    proof = tree.inclusion_proof(index, hashes[:size])
    assert [step.hex() for step in proof] == list(path)
    assert tree.verify_inclusion(hashes[index], index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, ()),
        (
            1,
            8,
            (
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ),
        ),
        (
            6,
            8,
            (
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ),
        ),
        (
            2,
            5,
            (
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ),
        ),
    ],
)
def test_consistency_proofs_are_those_of_the_vectors(old, new, path):
    proof = tree.consistency_proof(old, hashes[:new])
    assert [step.hex() for step in proof] == list(path)
    assert tree.verify_consistency(
        old, new, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]), proof
    )


def test_every_proof_holds_and_every_altered_one_fails():
    chance = Random(6962)
    leaves = [tree.leaf(bytes([n])) for n in range(37)]
    for size in range(1, len(leaves) + 1):
        root = tree.root(leaves[:size])
        for index in range(size):
            proof = tree.inclusion_proof(index, leaves[:size])
            assert tree.verify_inclusion(leaves[index], index, size, proof, root)
            assert not tree.verify_inclusion(tree.leaf(b"forged"), index, size, proof, root)
            assert (
                not tree.verify_inclusion(leaves[index], (index + 1) % (size + 1), size, proof, root)
                or size == 1
            )
            assert not tree.verify_inclusion(leaves[index], index, size, [*proof, root], root)
        for old in range(1, size + 1):
            proof = tree.consistency_proof(old, leaves[:size])
            old_root = tree.root(leaves[:old])
            assert tree.verify_consistency(old, size, old_root, root, proof)
            if proof:
                step = chance.randrange(len(proof))
                altered = [*proof[:step], bytes(32), *proof[step + 1 :]]
                assert not tree.verify_consistency(old, size, old_root, root, altered)
                assert not tree.verify_consistency(old, size, old_root, bytes(32), proof)


def test_a_frontier_goes_on_from_what_was_stored():
    leaves = [tree.leaf(bytes([n])) for n in range(100)]
    frontier = Frontier(tree)
    for size, leaf in enumerate(leaves, start=1):
        frontier = Frontier.unpacked(tree, frontier.size, frontier.packed())
        frontier.append(leaf)
        assert frontier.root() == tree.root(leaves[:size])
    with pytest.raises(ValueError, match="perfect subtrees"):
        Frontier.unpacked(tree, 3, frontier.packed())


def test_the_hash_may_be_sm3():
    # GB/T 32905-2016, appendix A.1
    assert (
        Tree("sm3").hash(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )
    with pytest.raises(ValueError, match="md5"):
        Tree("md5")
