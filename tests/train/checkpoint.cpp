// SPDX-License-Identifier: Apache-2.0
#include "cardiomm/train/checkpoint.hpp"

#include <doctest/doctest.h>

#include "io/mutate.hpp"
#include "train/tiny.hpp"

using namespace cardiomm;
using namespace cardiomm_tests;

TEST_CASE("checkpoint: a network comes back under its names, shared and frozen parameters too") {
  const scratch w;
  tiny_run a(3), b(4);
  const auto all = a.net.parameters();
  train::save_network(w / "net.safetensors", all, {{"cardiomm.text", "code-v1"}});
  const io::safetensors_file file(w / "net.safetensors");
  CHECK(file.metadata().at("cardiomm.text") == "code-v1");
  CHECK(file.names().size() == all.size());
  const auto c = models::load_cardiomm<float>(a.ex, models::source_of(file));
  CHECK(c.sizes().cascades == 1);
  const auto back = c.parameters();
  REQUIRE(back.size() == all.size());
  bool differs = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(back[i].first == all[i].first);
    const auto x = to_host(all[i].second.value()), y = to_host(back[i].second.value());
    const auto z = to_host(b.net.parameters()[i].second.value());
    REQUIRE(x.size() == y.size());
    for (std::size_t k = 0; k < x.size(); ++k) {
      CHECK(x(k) == y(k));
      differs = differs || x(k) != z(k);
    }
  }
  CHECK(differs);
  // rows of a kernel are the readout in the file
  const std::string name = "sens_net.norm_unet.unet.feat_extract.weight";
  std::vector<float> stored(4 * 2 * 9);
  file.at(name).read(stored.data());
  for (const auto& [n, p] : all)
    if (n == name) CHECK(to_host(p.value())(1) == stored[3]);
}

TEST_CASE("checkpoint: a state has all values and facts bit for bit, and nothing else is one") {
  const scratch w;
  train::state s;
  const auto v = make_tensor<float>(host_space(), shape<1>{{5}});
  for (int i = 0; i < 5; ++i) v(i) = i == 2 ? NAN : 0.1f * float(i);
  s.put("values", v);
  s.put("numbers", std::vector<double>{1 / 3.0, NAN, -0.0});
  s.put("counters", std::vector<std::uint64_t>{~std::uint64_t(0), (std::uint64_t(1) << 60) + 1});
  s.put("nothing", std::vector<double>{});
  s.tell("seed", "42");
  s.save(w / "s");
  const train::state t(w / "s");
  CHECK(t.told("seed") == "42");
  CHECK(t.contains("values"));
  CHECK_FALSE(t.contains("value"));
  const auto u = make_tensor<float>(host_space(), shape<1>{{5}});
  t.get("values", u);
  CHECK(std::memcmp(u.data(), v.data(), 20) == 0);
  const auto n = t.get<double>("numbers");
  CHECK(n[0] == 1 / 3.0);
  CHECK(std::isnan(n[1]));
  CHECK(std::signbit(n[2]));
  CHECK(t.get<std::uint64_t>("counters")[1] == (std::uint64_t(1) << 60) + 1);
  CHECK(t.get<double>("nothing").empty());

  CHECK_THROWS_WITH_AS(t.told("speed"), doctest::Contains("'speed'"), io_error);
  CHECK_THROWS_WITH_AS(t.get<double>("counters"), doctest::Contains("counters"), io_error);
  CHECK_THROWS_AS(t.get<double>("others"), io_error);
  const auto wrong = make_tensor<float>(host_space(), shape<1>{{4}});
  CHECK_THROWS_WITH_AS(t.get("values", wrong), doctest::Contains("expected 4"), io_error);
  const std::string bytes = slurp(w / "s");
  spit(w / "cut", bytes.substr(0, bytes.size() - 3));
  CHECK_THROWS_AS(train::state(w / "cut"), io_error);
  CHECK_THROWS_AS(train::state(w / "none"), io_error);
}
