extension House {
  /// Where the three places disagree, or a room imports one that stands below it: each with its file and line.
  func faults() -> [String] {
    let targets = Manifest(parsing: manifest).targets
    let rows = RoomTable(parsing: page).rows
    return tableFaults(rows, targets) + orderFaults(targets) + importFaults(targets)
      + productFaults(targets) + folderFaults(targets)
  }

  private static let prefix = "ConvNet"
  /// The product and the command, which import every room.
  private static let product = "ConvNet"
  private static let command = "convnet"

  /// As the table calls a module.
  private func short(_ module: String) -> String {
    module.hasPrefix(Self.prefix) ? String(module.dropFirst(Self.prefix.count)) : module
  }

  // MARK: The table and the targets

  private func tableFaults(_ rows: [RoomTable.Row], _ targets: [Manifest.Target]) -> [String] {
    let listed = targets.filter { $0.kind == .room || $0.kind == .shim }
    let names = listed.map { short($0.name) } + [Self.command]
    var faults: [String] = []
    var seen: [String] = []
    for row in rows {
      for name in row.names {
        if !names.contains(name) {
          faults.append("\(place(row)): \(name) is no target of \(Self.manifestPath)")
        }
        if seen.contains(name) { faults.append("\(place(row)): \(name) has a row already") }
        seen.append(name)
        guard let target = listed.first(where: { short($0.name) == name }) else { continue }
        let direct = directImports(of: target, targets).map(short)
        for missing in direct where !row.imports.contains(missing) {
          faults.append("\(place(row)): \(name) imports \(missing) too, as \(place(target)) says")
        }
        for surplus in row.imports where !direct.contains(surplus) {
          let isImplied = target.dependencies.map(short).contains(surplus)
          faults.append(
            isImplied
              ? "\(place(row)): that \(name) imports \(surplus) follows from another import; leave it out"
              : "\(place(row)): \(name) imports no \(surplus), as \(place(target)) says")
        }
      }
    }
    for target in listed where !seen.contains(short(target.name)) {
      faults.append(
        "\(Self.pagePath): no row of \(short(target.name)), a target in \(place(target))")
    }
    let rooms = listed.filter { $0.kind == .room }.map { short($0.name) }
    let order = seen.filter(rooms.contains)
    if faults.isEmpty, order != rooms {
      faults.append(
        "\(Self.pagePath): the rooms stand in another order than in \(Self.manifestPath)")
    }
    return faults
  }

  /// What a target imports, without what these import themselves. Shims do not pass on to who imports a room.
  private func directImports(
    of target: Manifest.Target, _ targets: [Manifest.Target]
  ) -> [String] {
    func reaches(_ from: String, _ module: String, _ rest: Int) -> Bool {
      guard rest > 0, let target = targets.first(where: { $0.name == from }) else { return false }
      return target.dependencies.contains { $0 == module || reaches($0, module, rest - 1) }
    }
    return target.dependencies.filter { module in
      isShim(module)
        || !target.dependencies.contains { $0 != module && reaches($0, module, targets.count) }
    }
  }

  // MARK: Above and below

  private func orderFaults(_ targets: [Manifest.Target]) -> [String] {
    let rooms = targets.filter { $0.kind == .room }
    var above: Set<String> = []
    var faults: [String] = []
    for room in rooms {
      for module in room.dependencies
      where !isShim(module) && !above.contains(module) {
        faults.append(
          "\(place(room)): \(short(room.name)) imports \(short(module)), which does not stand above it"
        )
      }
      above.insert(room.name)
    }
    return faults
  }

  // MARK: The imports of the sources

  private func importFaults(_ targets: [Manifest.Target]) -> [String] {
    var faults: [String] = []
    for target in targets where target.kind != .shim {
      let files = sources.filter { $0.path.hasPrefix(target.folder + "/") }
      var used: Set<String> = []
      for file in files {
        for item in file.imports {
          used.insert(item.module)
          guard !target.dependencies.contains(item.module) else { continue }
          // `tests(of:)` adds it.
          if target.kind == .tests, item.module == "ConvNetTestSupport" { continue }
          faults.append(
            "\(file.path):\(item.line): imports \(item.module), which \(place(target)) does not declare for \(target.name)"
          )
        }
      }
      guard target.kind == .room || target.kind == .tests else { continue }
      for module in target.dependencies where !used.contains(module) {
        faults.append("\(place(target)): no file of \(target.name) imports \(module)")
      }
    }
    return faults
  }

  // MARK: The product

  private func productFaults(_ targets: [Manifest.Target]) -> [String] {
    guard let product = targets.first(where: { $0.name == Self.product }) else {
      return ["\(Self.manifestPath): there is no target \(Self.product)"]
    }
    let rooms = targets.filter { $0.kind == .room }
    let exported = sources.filter { $0.path.hasPrefix(product.folder + "/") }
      .flatMap(\.imports).filter(\.isExported).map(\.module)
    return rooms.filter { !exported.contains($0.name) }.map {
      "\(product.folder): \($0.name), a room in \(place($0)), is not exported"
    }
  }

  private func folderFaults(_ targets: [Manifest.Target]) -> [String] {
    let folders = Set(
      sources.filter { $0.path.hasPrefix("Sources/") }.map {
        $0.path.split(separator: "/").prefix(2).joined(separator: "/")
      })
    return folders.subtracting(targets.map(\.folder)).sorted().map {
      "\($0): no target of \(Self.manifestPath) lies here"
    }
  }

  private func place(_ row: RoomTable.Row) -> String { "\(Self.pagePath):\(row.line)" }
  private func place(_ target: Manifest.Target) -> String { "\(Self.manifestPath):\(target.line)" }
}
