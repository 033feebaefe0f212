// An importable module that holds nothing: importing it runs the registrations of operators.
#pragma once

#include <Python.h>

#define GRAMSTYLE_MODULE(name)                                                                   \
  extern "C" __attribute__((visibility("default"))) PyObject* PyInit_##name(void) {              \
    static struct PyModuleDef module = {                                                         \
        PyModuleDef_HEAD_INIT, #name, nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr}; \
    return PyModule_Create(&module);                                                             \
  }
