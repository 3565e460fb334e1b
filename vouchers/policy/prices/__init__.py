"""The parts of the fair price: cells, units, method, votes, rows and verdicts. All pure; ``fair_price`` joins them."""
