// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_CORE_LAUNCH_HPP
#define CARDIOMM_CORE_LAUNCH_HPP
/// \file
/// The only file that starts kernels. A kernel is a named functor with
/// `static constexpr const char* name` (what profilers show) and one of these call operators:
///
/// | launch     | call                              | host                      | device |
/// |------------|-----------------------------------|---------------------------|------------------|
/// | `rows`     | `f(row, first, last)`             | a thread a row            | a thread an item
/// | | `segments` | `f(first, last)`                  | a thread a chunk          | a thread an
/// item | | `sums`     | `value f(batch, first, last)`     | fixed chunks, then a sum  | a team a
/// batch   | | `tiles`    | `f(tile)`, see tile.hpp           | a lane packet of columns  | a team
/// a tile    |
///
/// The loop over [first, last) is contiguous memory, so that it becomes vector code on hosts, and
/// coalesced on devices where it has length one. Nothing here fences or allocates, apart from the
/// first `sums` of a size, which takes its partial sums from the workspace.

#include <string>

#include "cardiomm/core/tensor.hpp"
#include "cardiomm/core/workspace.hpp"

namespace cardiomm::inline CARDIOMM_ABI::launch {

/// True where kernels of Ex run on the host's processor.
template <ExecutionSpace Ex>
inline constexpr bool on_host =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename Ex::memory_space>::accessible&&
        std::is_same_v<typename Ex::memory_space, Kokkos::HostSpace>;

namespace detail {

// Kokkos 5 copies the label in every launch, which allocates where the name is long, so it is given
// one only while a tool listens.
template <class F>
const std::string& label() {
  static const std::string text = F::name, none;
  return Kokkos::Tools::profileLibraryLoaded() ? text : none;
}

template <class F>
struct whole_rows {
  F f;
  index_t cols;
  KOKKOS_FUNCTION void operator()(index_t row) const { f(row, index_t(0), cols); }
};
template <class F>
struct single_items {
  F f;
  index_t cols;
  KOKKOS_FUNCTION void operator()(index_t i) const {
    const index_t row = i / cols, col = i - row * cols;
    f(row, col, col + 1);
  }
};
template <class F>
struct chunks {
  F f;
  index_t n, chunk;
  KOKKOS_FUNCTION void operator()(index_t c) const {
    const index_t first = c * chunk;
    f(first, first + chunk < n ? first + chunk : n);
  }
};
template <class F, class V>
struct partial_sums {
  F f;
  V* partial;
  index_t n, chunk, per_batch;
  KOKKOS_FUNCTION void operator()(index_t i) const {
    const index_t batch = i / per_batch, first = (i - batch * per_batch) * chunk;
    partial[i] = f(batch, first, first + chunk < n ? first + chunk : n);
  }
};
template <class V>
struct add_partials {
  const V* partial;
  V* out;
  index_t per_batch;
  KOKKOS_FUNCTION void operator()(index_t batch) const {
    V sum = V(0);
    for (index_t c = 0; c < per_batch; ++c) sum += partial[batch * per_batch + c];
    out[batch] = sum;
  }
};
template <class F, class V, class Ex>
struct team_sums {
  F f;
  V* out;
  index_t n;
  KOKKOS_FUNCTION void operator()(const typename Kokkos::TeamPolicy<Ex>::member_type& team) const {
    const index_t batch = team.league_rank();
    V sum = V(0);
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, n),
        [&](const index_t i, V& part) { part += f(batch, i, i + 1); }, sum);
    if (team.team_rank() == 0) out[batch] = sum;
  }
};

// On hosts the chunk is what Kokkos would take, at least 40 a thread. In 4.x letting it choose
// makes an instance of the space, which allocates.
template <ExecutionSpace Ex>
Kokkos::RangePolicy<Ex, Kokkos::IndexType<index_t>> range(const Ex& ex, index_t n) {
  if constexpr (on_host<Ex>) {
    const index_t threads = compat::concurrency(ex);
    int chunk = 1;
    while (chunk < 128 && chunk * 40 * threads < n) chunk *= 2;
    while (chunk >= 128 && chunk * 100 * threads < n) chunk *= 2;
    return {ex, index_t(0), n, Kokkos::ChunkSize(chunk)};
  } else {
    return {ex, index_t(0), n};
  }
}

}  // namespace detail

/// f(row, first, last) for every row of `rows` x `cols` items.
template <ExecutionSpace Ex, class F>
void rows(const Ex& ex, index_t rows, index_t cols, const F& f) {
  if (rows <= 0 || cols <= 0) return;
  if constexpr (on_host<Ex>)
    Kokkos::parallel_for(detail::label<F>(), detail::range(ex, rows),
                         detail::whole_rows<F>{f, cols});
  else
    Kokkos::parallel_for(detail::label<F>(), detail::range(ex, rows * cols),
                         detail::single_items<F>{f, cols});
}

/// f(first, last) for chunks that cover [0, n).
template <ExecutionSpace Ex, class F>
void segments(const Ex& ex, index_t n, const F& f) {
  if (n <= 0) return;
  const index_t chunk = on_host<Ex> ? 8192 : 1;
  Kokkos::parallel_for(detail::label<F>(), detail::range(ex, (n + chunk - 1) / chunk),
                       detail::chunks<F>{f, n, chunk});
}

/// out[b] = sum of f(b, ...) over [0, n), for every batch b in [0, batches). The chunks do not
/// depend on the number of threads, so on hosts the result does not either.
template <ExecutionSpace Ex, class V, class F>
void sums(const Ex& ex, index_t batches, index_t n, const F& f, V* out) {
  if (batches <= 0) return;
  if constexpr (on_host<Ex>) {
    const index_t chunk = 4096;
    const index_t per_batch = n > 0 ? (n + chunk - 1) / chunk : 0;
    typename workspace<Ex>::frame scratch(workspace<Ex>::of(ex));
    V* partial = scratch.template take<V>(batches * per_batch);
    Kokkos::parallel_for(detail::label<F>(), detail::range(ex, batches * per_batch),
                         detail::partial_sums<F, V>{f, partial, n, chunk, per_batch});
    Kokkos::parallel_for(detail::label<F>(), detail::range(ex, batches),
                         detail::add_partials<V>{partial, out, per_batch});
  } else {
    Kokkos::parallel_for(detail::label<F>(),
                         Kokkos::TeamPolicy<Ex>(ex, static_cast<int>(batches), Kokkos::AUTO),
                         detail::team_sums<F, V, Ex>{f, out, n});
  }
}

}  // namespace cardiomm::inline CARDIOMM_ABI::launch

#endif
