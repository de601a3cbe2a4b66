extension HeatMap {
  /// How often each class is taken for each other.
  ///
  /// A cell prints the percentage of its row. What is right is shaded by that share; mistakes have
  /// a color of their own and are shaded beside the worst of them, because the rare ones would
  /// else be invisible.
  ///
  /// - Parameter counts: at row `t` and column `p`, the pictures of class `t` that were classified
  ///   as `p`.
  /// - Precondition: `counts` is square, of as many rows as there are names.
  public init(
    confusion counts: [[Int]], classNames: [String], title: String = "Confusion",
    width: Double = 680
  ) {
    let totals = counts.map { $0.reduce(0, +) }
    let share = { (row: Int, column: Int) in
      totals[row] > 0 ? Double(counts[row][column]) / Double(totals[row]) : 0
    }
    let worst =
      counts.indices.flatMap { row in
        counts[row].indices.filter { $0 != row }.map { share(row, $0) }
      }.max() ?? 0
    let cells = counts.indices.map { row in
      counts[row].indices.map { column in
        let isMistake = row != column
        let share = share(row, column)
        let percentage = Int((share * 100).rounded())
        let names = [row, column].map { classNames.indices.contains($0) ? classNames[$0] : "" }
        return Cell(
          shade: isMistake ? (worst > 0 ? share / worst * 0.8 : 0) : share,
          text: percentage > 0 ? "\(percentage)" : "",
          hint: (isMistake ? "\(names[0]) taken for \(names[1])" : "\(names[0]), right")
            + ": \(counts[row][column]) of \(totals[row])",
          isContrasting: isMistake)
      }
    }
    self.init(
      title, rowTitle: "truth", columnTitle: "prediction (percent of the row)",
      rowNames: classNames, columnNames: classNames, cells: cells, width: width)
  }
}
