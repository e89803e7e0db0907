"""Near-duplicates by content: planted ones are found, distinct items are left alone, whatever the modality."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, text
from PIL import Image, ImageEnhance

from headstart.core.dataset import Dataset, Field
from headstart.data.groups import join_pairs
from headstart.data.modalities import Row, get_modality
from headstart.data.near_duplicates import find_near_duplicates, join_similar_items, with_near_duplicate_groups
from headstart.data.rows import Rows
from headstart.data.similar_pairs import SimilarPairs
from headstart.data.similar_texts import similar_texts

TEXTS, PHOTOS = (Field("text", "text"),), (Field("photo", "image"),)


def groups_of(items, fields, given_groups=None):
    return join_similar_items(items, fields, given_groups).groups


def together(items, fields=TEXTS):
    return len(set(groups_of(items, fields).tolist())) == 1


def apart(items, fields=TEXTS):
    return len(set(groups_of(items, fields).tolist())) == len(items)


def photo(seed, side=160):
    """A picture with large and small shapes in color."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def compressed(image, quality=25):
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=quality)
    return jpeg.getvalue()


class TestTexts:
    MESSAGE = "Your parcel could not be delivered today, please choose another date or a shop nearby."

    @pytest.mark.parametrize(
        "copy",
        [
            MESSAGE,
            MESSAGE.upper().replace(",", " -") + "!!",
            f"  {MESSAGE}\n\n".replace(" ", "  "),
            MESSAGE.replace("delivered", "delivred"),
            MESSAGE.replace("today", "tody").replace("nearby", "near by"),
            MESSAGE[:60],
            "Hi! " + MESSAGE,
        ],
    )
    def test_a_copy_is_found(self, copy):
        assert together([self.MESSAGE, copy])

    def test_messages_of_one_template_are_found(self):
        names = ["Anna Berg", "Tom Lee", "Li Wei", "Maria Lopez"]
        assert together(
            [
                f"Dear {name}, your order {17 * i} is late: we expect it on {i}.{i + 3}.2026."
                for i, name in enumerate(names)
            ]
        )

    def test_distinct_texts_stay_apart(self):
        assert apart(
            [
                "How far is it from Denver to Aspen ?",
                "How did serfdom develop in and then leave Russia ?",
                "What films featured the character Popeye Doyle ?",
                "What is the full form of .com ?",
                "What contemptible scoundrel stole the cork from my lunch ?",
            ]
        )

    def test_numbers_tell_short_codes_apart(self):
        assert apart(["12345", "67890", "a 7", "a 8"])

    def test_empty_texts_are_equal_and_nothing_else(self):
        assert groups_of(["", "a text of words", "", "  "], TEXTS).tolist() == [0, 1, 0, 0]

    def test_signs_without_letters_are_compared_as_they_are(self):
        assert apart([":-)", "???", "¯\\_(ツ)_/¯"])

    def test_many_copies_of_one_template_form_one_group(self):
        texts = [f"Your login code is {i}. Never tell it to anybody, not even to us." for i in range(300)]
        others = [" ".join(np.random.default_rng(i).permutation(WORDS)[:12]) for i in range(1200)]
        groups = groups_of(texts + others, TEXTS)
        assert len(set(groups[:300].tolist())) == 1

    @settings(deadline=None, max_examples=50)
    @given(texts=lists(text(max_size=60), max_size=12), seed=integers(0, 100))
    def test_order_does_not_matter_and_equal_texts_are_together(self, texts, seed):
        texts = [*texts, *texts]
        groups = groups_of(texts, TEXTS)
        order = np.random.default_rng(seed).permutation(len(texts))
        shuffled = groups_of([texts[i] for i in order], TEXTS)
        np.testing.assert_array_equal(groups[order][:, None] == groups[order], shuffled[:, None] == shuffled)
        np.testing.assert_array_equal(groups[: len(texts) // 2], groups[len(texts) // 2 :])

    def test_two_thousand_texts_take_seconds_and_no_pairs_of_unlike_ones(self):
        texts = [" ".join(np.random.default_rng(i).choice(WORDS, 120)) for i in range(2000)]
        assert len(similar_texts(texts)) == 0


WORDS = """time year people way day man thing woman life child world school state family student group country problem hand part
place case week company system program question work government number night point home water room mother area money story fact
month lot right study book eye job word business issue side kind head house service friend father power hour game line end member
law car city community name president team minute idea body information back parent face others level office door health person
art war history party result change morning reason research girl guy moment air teacher force education""".split()


class TestPhotos:
    @pytest.mark.parametrize(
        "edit",
        [
            compressed,
            lambda im: np.asarray(im.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
            lambda im: np.asarray(im.resize((61, 83))),
            lambda im: np.asarray(im.crop((12, 6, 152, 150))),
            lambda im: np.asarray(ImageEnhance.Brightness(im).enhance(0.6)),
            lambda im: compressed(ImageEnhance.Brightness(im.crop((0, 9, 146, 150))).enhance(1.15), 50),
        ],
        ids=["compressed", "mirrored", "resized", "cropped", "darker", "several"],
    )
    def test_a_copy_is_found_among_others(self, edit):
        photos = [np.asarray(photo(seed)) for seed in range(12)]
        groups = groups_of([*photos, edit(photo(3))], PHOTOS)
        assert groups[12] == groups[3]
        assert len(set(groups.tolist())) == 12

    def test_a_file_and_its_bytes_are_the_same(self, tmp_path):
        photo(1).save(tmp_path / "one.png")
        assert together([tmp_path / "one.png", (tmp_path / "one.png").read_bytes()], PHOTOS)

    def test_photos_of_one_color_are_told_apart_by_it(self):
        plain = [np.full((20, 30, 3), color, dtype=np.uint8) for color in ((255, 0, 0), (0, 0, 255), (255, 0, 0))]
        assert groups_of([*plain, np.asarray(photo(0))], PHOTOS).tolist() == [0, 1, 0, 2]

    def test_what_cannot_be_read_is_alone(self):
        assert groups_of([b"no image", np.asarray(photo(0)), b"no image"], PHOTOS).tolist() == [0, 1, 2]

    def test_photos_that_are_all_alike_are_joined_only_if_they_are_unusually_so(self):
        rng = np.random.default_rng(0)
        base = np.asarray(photo(0), dtype=float)
        digits = [np.clip(base + 60 * np.asarray(photo(1 + i), dtype=float) / 255 - 30, 0, 255) for i in range(60)]
        copies = [np.clip(digit + rng.normal(size=digit.shape), 0, 255) for digit in digits[:5]]
        groups = groups_of([one.astype(np.uint8) for one in (*digits, *copies)], PHOTOS)
        assert all(groups[60 + i] == groups[i] for i in range(5))
        assert len(set(groups.tolist())) > 40


class TestRows:
    FIELDS = (Field("title", "text"), Field("photo", "image"))
    BODY = "A very long description of a thing that nobody else would ever put in just these words, with a size and a price."

    def rows(self, titles, photos):
        return Rows({"title": titles, "photo": [np.asarray(photo(seed)) for seed in photos]})

    def test_rows_with_one_photo_are_together_whatever_the_title(self):
        groups = groups_of(self.rows(["red shirt", "a nice top", "blue hat"], [1, 1, 2]), self.FIELDS)
        assert groups.tolist() == [0, 0, 1]

    def test_a_short_title_alone_says_nothing(self):
        assert groups_of(self.rows(["red shirt", "Red shirt!"], [1, 2]), self.FIELDS).tolist() == [0, 1]

    def test_a_long_text_is_enough(self):
        assert groups_of(self.rows([self.BODY, self.BODY.lower()], [1, 2]), self.FIELDS).tolist() == [0, 0]

    def test_what_many_rows_share_says_nothing(self):
        titles = [self.BODY] * 30 + [f"{word} of {WORDS[-i]}" for i, word in enumerate(WORDS[:60])]
        assert len(set(groups_of(self.rows(titles, range(90)), self.FIELDS).tolist())) == 90

    def test_rows_whose_fields_all_match_are_together(self):
        fields = (Field("a", "text"), Field("b", "text"))
        rows = Rows({"a": ["new", "NEW", "new", ""], "b": ["with tag", "with tag!", "used", ""]})
        assert groups_of(rows, fields).tolist() == [0, 0, 1, 2]


class TestGroups:
    def dataset(self, texts, **more):
        return Dataset(
            name="made", modality="text", task="binary", items=texts, ids=[*map(str, range(len(texts)))],
            targets=np.eye(2)[np.arange(len(texts)) % 2], labels=("a", "b"), **more,
        )  # fmt: skip

    def test_one_item_and_none(self):
        assert find_near_duplicates(self.dataset(["one"])).n_groups == 1
        assert join_similar_items([], TEXTS).n_groups == 0
        assert join_similar_items([], PHOTOS).n_groups == 0

    def test_the_users_groups_stay_together(self):
        texts = [" ".join(np.random.default_rng(i).permutation(WORDS)[:9]) for i in range(30)]
        users = np.arange(30) // 3
        groups = find_near_duplicates(self.dataset(texts, groups=users)).groups
        np.testing.assert_array_equal(groups[:, None] == groups, users[:, None] == users)

    def test_a_dataset_is_grouped_once(self):
        grouped = with_near_duplicate_groups(self.dataset(["one text", "One text!", "another"]))
        assert grouped.groups.tolist() == [0, 0, 1]
        assert with_near_duplicate_groups(grouped) is grouped
        again = with_near_duplicate_groups(replace(grouped, has_near_duplicate_groups=False))
        np.testing.assert_array_equal(again.groups, grouped.groups)

    def test_chains_that_take_in_the_data_are_cut_by_a_stricter_threshold(self):
        n = 100
        chain = SimilarPairs(np.arange(n - 1), np.arange(1, n), np.where(np.arange(n - 1) % 4 == 0, 0.95, 0.7))
        found = join_pairs(n, chain)
        assert found.sizes.max() == 2
        assert found.similarity > 0.9

    def test_equal_items_are_joined_however_many_there_are(self):
        assert together(["the same message"] * 50)


class TestDescriptions:
    def test_texts_of_one_topic_are_nearer(self):
        pets = ["the cat sat on the mat", "a cat and a dog", "my dog sat", "the dog chased the cat"]
        money = ["send the bank a check", "the bank has a loan", "a loan of money", "money in the bank"]
        described = get_modality("text").describe([*pets, *money])
        near = described @ described.T
        assert near[:4, :4].sum() > near[:4, 4:].sum()
        np.testing.assert_array_equal(described, get_modality("text").describe([*pets, *money]))

    def test_photos_of_one_color_are_nearer(self):
        red = [np.asarray(photo(i)) // 4 * np.array([3, 1, 1], np.uint8) for i in range(3)]
        blue = [np.asarray(photo(9 + i)) // 4 * np.array([1, 1, 3], np.uint8) for i in range(3)]
        described = get_modality("image").describe([*red, *blue, b"no image"])
        near = described @ described.T
        assert described.shape == (7, 96)
        assert near[:3, :3].sum() > near[:3, 3:6].sum()
        assert not described[6].any()

    @pytest.mark.parametrize("texts", [[], ["one"], ["", ""], ["a b c", "d e f"]])
    def test_little_text_is_described_too(self, texts):
        described = get_modality("text").describe(texts)
        assert len(described) == len(texts)
        assert np.isfinite(described).all()

    def test_rows_have_the_descriptions_of_their_fields_side_by_side(self):
        rows = Rows({"a": ["cat dog", "dog cat", "bank loan"], "b": ["bank loan"] * 3})
        described = Row((Field("a", "text"), Field("b", "text"))).describe(rows)
        assert len(described) == 3
        np.testing.assert_allclose(described[0], described[1], atol=1e-6)
