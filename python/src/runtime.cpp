// SPDX-License-Identifier: Apache-2.0
/// \file
/// Life of Kokkos in a Python process, errors, and what solvers tell.
///
/// Kokkos starts with the first computation. At exit it is finalised when the last array, operator
/// or network that holds its memory is gone: a NumPy array may outlive the atexit handlers.

#include <atomic>
#include <cstdlib>
#include <thread>

#include "binding.hpp"
#include "cardiomm/core/runtime.hpp"

namespace binding {
namespace {

int threads_wanted = 0;
bool mine = false, exiting = false, ended = false;
std::atomic<long> holders{0};

#if KOKKOS_VERSION < 30700 && defined(KOKKOS_ENABLE_OPENMP)
// Older releases keep the OpenMP instance in a thread-local variable, so that only the thread that
// called initialize can launch kernels. Ours compute one at a time and may share it.
Kokkos::Impl::OpenMPExec* the_instance = nullptr;
void remember_instance() { the_instance = Kokkos::Impl::t_openmp_instance; }
void adopt_instance() {
  if (Kokkos::Impl::t_openmp_instance == nullptr) Kokkos::Impl::t_openmp_instance = the_instance;
}
#else
void remember_instance() {}
void adopt_instance() {}
#endif

void finalise() {
  if (!mine || ended || !Kokkos::is_initialized()) return;
  ended = true;
  adopt_instance();
  Kokkos::finalize();
}

}  // namespace

std::recursive_mutex& compute_mutex() {
  static std::recursive_mutex guard;
  return guard;
}

void start_runtime() {
  if (ended) throw cardiomm::error("cardiomm: called after the interpreter's exit handlers");
  if (!Kokkos::is_initialized()) {
    // Kokkos would print advice about binding threads, which is not for a guest in a process.
    const bool unset = std::getenv("OMP_PROC_BIND") == nullptr;
    if (unset) ::setenv("OMP_PROC_BIND", "false", 0);
    cardiomm::compat::initialize(threads_wanted);
    if (unset) ::unsetenv("OMP_PROC_BIND");
    mine = true;
    remember_instance();
  }
  adopt_instance();
}

void count_holder(int by) noexcept {
  if (holders.fetch_add(by) + by == 0 && exiting) finalise();
}

cardiomm::solve::monitor monitor_of(nb::object callback) {
  // The solver runs without the interpreter's lock; the callback is a reference of its caller.
  const nb::handle call = callback.is_none() ? nb::handle() : callback;
  return [call](const cardiomm::solve::progress& at) {
    const nb::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!call.is_valid()) return true;
    const nb::object answer = call(at.iteration, at.iterations, at.residual);
    return !answer.is(nb::handle(Py_False));
  };
}

nb::tuple to_tuple(const cardiomm::solve::report& r) {
  nb::list residual;
  for (const double v : r.residual) residual.append(v);
  return nb::make_tuple(r.iterations, r.converged, r.interrupted, r.breakdown, residual);
}

void bind_runtime(nb::module_& m) {
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const cardiomm::io_error& e) {
      PyErr_SetString(PyExc_OSError, e.what());
    } catch (const cardiomm::error& e) {
      PyErr_SetString(PyExc_ValueError, e.what());
    }
  });
  nb::set_leak_warnings(false);  // objects of modules that are alive at exit are no leak
  m.attr("version") = CARDIOMM_VERSION_STRING;
  m.attr("lane_bytes") = CARDIOMM_LANE_BYTES;
  m.attr("backend") = space::name();
  m.def(
      "is_started", [] { return Kokkos::is_initialized(); },
      "Whether Kokkos has been started; the first computation does.");
  m.def(
      "set_threads",
      [](int threads) {
        if (Kokkos::is_initialized())
          throw cardiomm::value_error(
              "set_threads: expected a call before the first computation, found Kokkos started");
        threads_wanted = threads;
      },
      "threads"_a, "Number of threads of Kokkos; 0 leaves it to OMP_NUM_THREADS.");
  m.def(
      "threads",
      [] {
        const computing now;
        return cardiomm::compat::concurrency(space());
      },
      "Threads that computations use; starts Kokkos.");
  m.def(
      "at_exit",
      [] {
        exiting = true;
        if (holders.load() == 0) finalise();
      },
      "Ends Kokkos now, or with the last array that holds its memory.");
}

}  // namespace binding
