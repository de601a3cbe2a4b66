import ConvNetFiles
import ConvNetReports
import Foundation
import Testing

@Suite("Report pages")
struct ReportPageTests {
  static let page = ReportPage(
    "Title & <more>", summary: FigureTests.hostile,
    sections: [
      .init(
        "First <b>",
        [
          .text(FigureTests.hostile), .facts([("name <i>", "value & more")]),
          .code("$ convnet train <file>"),
          .figure(
            LinePlot(
              "Loss", horizontal: Axis("epoch"), vertical: Axis("loss"),
              series: [.init("training", values: [2, 1])])),
          .table(
            Table(
              [.init("class"), .init("share", .right)],
              rows: [["<bag>", "89.6 %"], ["only one"]], footer: ["all"], caption: "A & B")),
          .picture(png: [0x89, 0x50, 0x4E, 0x47], caption: "a \"picture\""),
        ]),
      .init("", [.text("end")]),
    ])

  @Test("A page is well-formed, and hostile text stays text")
  func wellFormed() {
    let html = Self.page.html
    #expect(isWellFormed(html.replacing("<!DOCTYPE html>", with: "")))
    #expect(!html.contains("<script"))
    #expect(html.contains("<h1>Title &amp; &lt;more&gt;</h1>"))
    #expect(html.contains("<dt>name &lt;i&gt;</dt><dd>value &amp; more</dd>"))
    #expect(html.contains(#"<td class="number">89.6 %</td>"#))
    #expect(html.contains(#"alt="a &quot;picture&quot;""#))
  }

  @Test(
    "A page has each figure for a screen and for a telephone, and pictures with what is said of them"
  )
  func widths() {
    let html = Self.page.html
    #expect(
      html.contains(#"<div class="broad"><svg"#) && html.contains(#"<div class="narrow"><svg"#))
    #expect(html.contains(#"width="350""#) && html.contains(#"width="680""#))
  }

  @Test("A wide table has the margin beside the text, and is scrolled for itself beyond that")
  func wideTables() {
    let html = Self.page.html
    #expect(html.contains(#"<div class="wide"><table>"#))
    for rule in [
      ".wide{overflow-x:auto;", "width:max-content;max-width:calc(", "th{white-space:normal}",
    ] { #expect(html.contains(rule), "\(rule)") }
  }

  @Test("A page refers to no other file")
  func selfContained() {
    let html = Self.page.html.replacing("http://www.w3.org/2000/svg", with: "")
    #expect(html.contains("data:image/png;base64,iVBORw=="))
    for reference in ["http:", "https:", "url(", "@import", "<link", "href="] {
      #expect(!html.contains(reference))
    }
  }

  @Test("A page has a script only for tables that can be sorted and pictures to choose among")
  func scripts() throws {
    var table = Table([.init("a"), .init("b", .right)], rows: [["x", "1"]])
    table.isSortable = true
    let gallery = Gallery(
      ["truth"],
      [
        .init([0x89, 0x50], caption: FigureTests.hostile, properties: ["<b>"], showsPixels: true),
        .init([0xFF, 0xD8], caption: "b", properties: ["c"]),
      ])
    for blocks in [
      [ReportPage.Block.table(table)], [.gallery(gallery)], [.table(table), .gallery(gallery)],
    ] {
      let html = ReportPage("t", sections: [.init("s", blocks)]).html
      #expect(isWellFormed(html.replacing("<!DOCTYPE html>", with: "")))
      #expect(html.components(separatedBy: "<script>").count == 2)
      for reference in ["http:", "https:", "url(", "fetch", "@import", "innerHTML", "eval"] {
        #expect(!html.contains(reference))
      }
    }
    let html = ReportPage("t", sections: [.init("s", [.gallery(gallery)])]).html
    #expect(
      html.contains("data:image/png;base64,iVA=") && html.contains("data:image/jpeg;base64,/9g="))
    #expect(html.contains("<span class=\"known\">&lt;b&gt;</span>"))
  }

  @Test("Style stands once in a page and inside a figure's own file")
  func style() {
    #expect(Self.page.html.components(separatedBy: "<style>").count == 2)
    let figure = BarPlot("t", quantity: "q", bars: [.init("a", 1)])
    #expect(figure.svg.components(separatedBy: "<style>").count == 2)
    #expect(figure.svg.contains("prefers-color-scheme:dark"))
  }

  @Test("Writing replaces the file whole and leaves nothing beside it")
  func writing() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "reports-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "report.html")
    try Data("old".utf8).write(to: file)
    try Self.page.write(to: file.path())
    #expect(try Data(contentsOf: file) == Data(Self.page.html.utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path()) == ["report.html"])
  }

  @Test("A folder that does not exist is an error that names the file and the reason")
  func unwritable() {
    let path = "/nonexistent/folder/report.html"
    let error = #expect(throws: FileError.self) { try Self.page.write(to: path) }
    #expect(error?.description == "cannot create \(path): No such file or directory")
  }
}
