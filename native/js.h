// Small helpers that turn C++ data into JavaScript values. Isolate's thread, inside a HandleScope.
#ifndef SPANPROF_JS_H_
#define SPANPROF_JS_H_

#include <v8.h>

#include <cstring>
#include <string>
#include <vector>

namespace spanprof::js {

inline v8::Local<v8::String> Text(v8::Isolate* isolate, const char* text, int length = -1) {
  v8::Local<v8::String> string;
  if (v8::String::NewFromUtf8(isolate, text, v8::NewStringType::kNormal, length).ToLocal(&string)) {
    return string;
  }
  return v8::String::Empty(isolate);
}

inline v8::Local<v8::Array> StringArray(v8::Isolate* isolate,
                                        const std::vector<std::string>& strings) {
  std::vector<v8::Local<v8::Value>> values;
  values.reserve(strings.size());
  for (const std::string& string : strings) {
    values.push_back(Text(isolate, string.data(), static_cast<int>(string.size())));
  }
  return v8::Array::New(isolate, values.data(), values.size());
}

template <typename TypedArray, typename Number>
v8::Local<v8::Value> CopyToTypedArray(v8::Isolate* isolate, const std::vector<Number>& numbers) {
  const size_t bytes = numbers.size() * sizeof(Number);
  auto buffer = v8::ArrayBuffer::New(isolate, bytes);
  if (bytes > 0) memcpy(buffer->Data(), numbers.data(), bytes);
  return TypedArray::New(buffer, 0, numbers.size());
}

inline v8::Local<v8::Value> Int32s(v8::Isolate* isolate, const std::vector<int32_t>& numbers) {
  return CopyToTypedArray<v8::Int32Array>(isolate, numbers);
}

inline v8::Local<v8::Value> Float64s(v8::Isolate* isolate, const std::vector<double>& numbers) {
  return CopyToTypedArray<v8::Float64Array>(isolate, numbers);
}

// Mostly a handful or none, and asked for often: a typed array's memory would cost more than all the
// rest. Undefined: none.
template <typename Value, typename Number>
v8::Local<v8::Value> Few(v8::Isolate* isolate, const std::vector<Number>& numbers) {
  if (numbers.empty()) return v8::Undefined(isolate);
  std::vector<v8::Local<v8::Value>> values;
  values.reserve(numbers.size());
  for (const Number number : numbers) values.push_back(Value::New(isolate, number));
  return v8::Array::New(isolate, values.data(), values.size());
}

// A plain object, property by property. A failed set (only possible while the isolate terminates)
// leaves the property out.
class ObjectBuilder {
 public:
  ObjectBuilder(v8::Isolate* isolate, v8::Local<v8::Context> context)
      : isolate_(isolate), context_(context), object_(v8::Object::New(isolate)) {}
  void Set(const char* name, v8::Local<v8::Value> value) {
    object_->Set(context_, Text(isolate_, name), value).FromMaybe(false);
  }
  void SetNumber(const char* name, double value) { Set(name, v8::Number::New(isolate_, value)); }
  v8::Local<v8::Object> Done() const { return object_; }

 private:
  v8::Isolate* isolate_;
  v8::Local<v8::Context> context_;
  v8::Local<v8::Object> object_;
};

}  // namespace spanprof::js

#endif  // SPANPROF_JS_H_
