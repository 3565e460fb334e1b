"""Two ways of writing one number meet in one key; a number that can be none is said to be."""

from __future__ import annotations

from datetime import date

import pytest

from applications.einvoice.numbers import norm_inv, number_faults


@pytest.mark.parametrize(
    "written",
    [
        "24112000001935923719",
        "2411 2000 0019 3592 3719",
        "2411-2000-0019-3592-3719",
        "２４１１２０００００１９３５９２３７１９",
        "2411２000001935923719",
        "24112OOOOO1935923719",
        "24112000001935923719\u00a0",
        "2411200000l9359237I9",
        "2411－2000—001935923719",
    ],
)
def test_every_way_of_writing_a_number_has_one_key(written):
    assert norm_inv("", written) == "24112000001935923719"


def test_an_older_invoice_is_code_and_number_with_its_leading_zeros():
    assert norm_inv("0110 0200 0111", "OO123456") == "011002000111:00123456"
    assert norm_inv("", "00123456") != norm_inv("0110020001", "00123456")


@pytest.mark.parametrize(
    ("code", "no", "fault"),
    [
        ("", "", "invoice.no_missing"),
        ("", "2411200000193592371", "invoice.no_length"),
        ("", "241120000019359237190", "invoice.no_length"),
        ("", "2411200000193592371X", "invoice.no_digits"),
        ("011002000111", "0012345", "invoice.no_length"),
        ("01100200011", "00123456", "invoice.code_length"),
        ("", "24990000001935923719", "invoice.no_province"),
    ],
)
def test_a_number_that_can_be_none_is_told_why(code, no, fault):
    assert [f.code for f in number_faults(code, no, issued_on=date(2024, 12, 1))] == [fault]


def test_the_sentence_says_how_many_digits_there_should_be_and_are():
    (fault,) = number_faults("", "2411200000193592371")
    assert fault.message + fault.hint == "发票号码应为 20 位数字，您填写了 19 位。请对照发票右上角核对。"


def test_year_and_province_are_held_against_date_and_seller():
    sound = number_faults("", "24112000001935923719", issued_on=date(2024, 12, 1), seller_region="110108")
    assert sound == []
    year, province = number_faults(
        "", "24112000001935923719", issued_on=date(2025, 1, 1), seller_region="440305"
    )
    assert (year.code, province.code) == ("invoice.no_year", "invoice.no_province")


def test_an_older_invoice_is_sound_with_ten_or_twelve_digits_of_code():
    assert number_faults("0110020001", "00123456") == []
    assert number_faults("011002000111", "00123456") == []
