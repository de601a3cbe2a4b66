package import ConvNetReports

extension TargetMetrics {
  /// How well each label or number is told, a row each: of labels precision, recall, F1 and, where ranks were kept, average
  /// precision; of numbers the errors and R^2.
  ///
  /// - Parameters:
  ///   - names: of the labels or numbers, in order.
  ///   - unknown: what stands in place of a figure that there is not.
  package func table(_ names: [String], unknown: String = "") -> Table {
    func share(_ value: Double?) -> String { value.map { HumanReadable.percent($0) } ?? unknown }
    func quantity(_ value: Double?) -> String {
      value.map { HumanReadable.quantity($0) } ?? unknown
    }
    var table: Table
    switch self {
    case .labels(let metrics):
      let isRanked = metrics.averagePrecisions != nil
      var columns: [Table.Column] = [
        .init("label"), .init("pictures", .right), .init("precision", .right),
        .init("recall", .right), .init("F1", .right),
      ]
      if isRanked { columns.append(.init("average precision", .right)) }
      table = Table(columns)
      for (name, score) in zip(names, metrics.labels) {
        var row = [name, "\(score.count)"]
        row += [share(score.precision), share(score.recall), share(score.f1)]
        if isRanked { row.append(share(score.averagePrecision)) }
        table.append(row)
      }
    case .numbers(let metrics):
      let measures: [Measure] = [.meanAbsoluteError, .rootMeanSquaredError, .determination]
      table = Table([.init("number")] + measures.map { Table.Column($0.name, .right) })
      for (name, score) in zip(names, metrics.numbers) {
        table.append([
          name, quantity(score.meanAbsoluteError), quantity(score.rootMeanSquaredError),
          quantity(score.determination),
        ])
      }
    }
    table.isSortable = true
    return table
  }
}
