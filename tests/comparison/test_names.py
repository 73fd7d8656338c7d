"""Every row has a name of its own that says what tells it from the others."""

from iot_ids.comparison.names import method_names, shortened

GRU = {"model.name": "gru", "selector.name": "pearson", "selector.k": "8", "scaler.name": "minmax", "seed": "1"}


def names(*methods: dict[str, str]) -> list[str]:
    return method_names(methods, [f"{at}" * 16 for at in range(len(methods))])


def test_model_selector_and_k() -> None:
    knn = {"model.name": "knn", "selector.name": "all", "scaler.name": "minmax"}
    assert names(GRU, knn) == ["gru, pearson 8", "knn, all"]


def test_the_scaler_where_it_differs() -> None:
    assert names(GRU, GRU | {"scaler.name": "quantile"}) == ["gru, pearson 8, minmax", "gru, pearson 8, quantile"]


def test_whatever_else_differs_among_namesakes_only() -> None:
    knn = {"model.name": "knn", "selector.name": "all", "scaler.name": "minmax", "model.hidden_size": "7"}
    found = names(GRU | {"model.hidden_size": "32"}, GRU | {"model.hidden_size": "64"}, knn)
    assert found == ["gru, pearson 8, hidden_size=32", "gru, pearson 8, hidden_size=64", "knn, all"]


def test_a_tuned_method_is_named_so_instead_of_by_its_settings() -> None:
    tuned = GRU | {"model.hidden_size": "32", "model.dropout": "0.17", "selector.k": "12", "tuned": "true"}
    assert names(tuned, GRU | {"model.hidden_size": "64"}) == ["gru tuned, pearson 12", "gru, pearson 8"]
    assert names(tuned, tuned | {"model.dropout": "0.3"}) == [
        "gru tuned, pearson 12, dropout=0.17",
        "gru tuned, pearson 12, dropout=0.3",
    ]


def test_seeds_and_paths_are_no_difference() -> None:
    assert names(GRU | {"seed": "2", "cache.path": "x"}, GRU)[0].startswith("gru, pearson 8 ")


def test_what_no_parameter_tells_apart_has_its_fingerprint() -> None:
    assert names(GRU, GRU) == ["gru, pearson 8 000000", "gru, pearson 8 111111"]


def test_a_long_value_is_cut_and_still_told_apart() -> None:
    long = [GRU | {"dataset.columns.numeric": "[" + "a, " * 20 + last} for last in "xy"]
    first, second = names(*long)
    assert first != second
    assert "numeric=[a, a, " in first


def test_what_all_names_end_in_is_left_out_unless_two_would_be_alike() -> None:
    assert shortened(["gru, all", "knn, all"]) == ["gru", "knn"]
    assert shortened(["gru, all", "knn, pearson 8"]) == ["gru, all", "knn, pearson 8"]
    assert shortened(["gru, all, x=1", "gru, all, x=2"]) == ["gru, all, x=1", "gru, all, x=2"]
