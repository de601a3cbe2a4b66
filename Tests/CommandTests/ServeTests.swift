import Testing

@Suite("Serving, as far as every build has it") struct ServeTests {
  #if !Serving
    @Test("a command without HTTP says how to build one that has it")
    func notBuilt() throws {
      let words = try convnet("serve", "nothing.safetensors").failure()
      #expect(words.contains("make serving") && words.contains("--traits Serving"))
    }
  #endif

  @Test(
    "an option that no server can keep is refused before anything is read",
    arguments: [
      ["--port", "65536"], ["--port", "-1"], ["--batch-size", "0"], ["--batch-size", "2000"],
      ["--batch-delay", "nan"], ["--queue-limit", "0"], ["--body-limit", "0"],
      ["--timeout", "-1"], ["--timeout", "inf"], ["--concurrency", "0"], ["--pixel-limit", "0"],
      ["--connections", "0"], ["--watch", "-1"], ["--certificate", "a.pem"], ["--key", "a.pem"],
    ])
  func options(arguments: [String]) throws {
    let call = try Invocation(["serve", "a.safetensors"] + arguments)
    #expect(call.status == 64)
    #expect(call.errors.contains(arguments[0]))
  }
}
