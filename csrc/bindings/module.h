// An importable module that holds one string: importing it runs the registrations of operators.
#pragma once

#include <Python.h>

#define GRAMSTYLE_MODULE(name, key, value)                                                        \
  extern "C" __attribute__((visibility("default"))) PyObject* PyInit_##name(void) {               \
    static struct PyModuleDef definition = {                                                      \
        PyModuleDef_HEAD_INIT, #name, nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};  \
    PyObject* module = PyModule_Create(&definition);                                              \
    if (module != nullptr && PyModule_AddStringConstant(module, key, value) != 0) return nullptr; \
    return module;                                                                                \
  }
