/// What a page does when it is clicked on. Nothing is fetched, nothing is kept.
enum PageScript {
  /// Headings of sortable tables become buttons: numbers from the largest, words from the first, and back. Empty cells stay
  /// below.
  static let sorting = """
    for (const table of document.querySelectorAll("table.sortable")) {
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, place) => {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        head.append(button);
        const units = {k: 1e3, M: 1e6, G: 1e9, T: 1e12};
        const number = text => {
          const parts = /^([+-]?[\\d,]*\\.?\\d+(?:e[+-]?\\d+)?)\\s*([kMGT]?)/.exec(text);
          return parts ? parseFloat(parts[1].replaceAll(",", "")) * (units[parts[2]] || 1) : NaN;
        };
        button.addEventListener("click", () => {
          const rows = [...table.tBodies[0].rows];
          const text = row => row.cells[place] ? row.cells[place].textContent.trim() : "";
          const filled = rows.filter(row => text(row) !== "");
          const areNumbers = filled.every(row => !isNaN(number(text(row))));
          const before = head.getAttribute("aria-sort");
          const descends = before ? before === "ascending" : areNumbers;
          const compare = (a, b) => areNumbers ? number(text(a)) - number(text(b))
            : text(a).localeCompare(text(b), undefined, {numeric: true});
          filled.sort((a, b) => descends ? compare(b, a) : compare(a, b));
          const empty = rows.filter(row => text(row) === "");
          table.tBodies[0].append(...filled, ...empty);
          heads.forEach(other => other.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", descends ? "descending" : "ascending");
        });
      });
    }
    """

  /// Over each gallery a choice for every property, and how many pictures are shown.
  static let choosing = """
    for (const gallery of document.querySelectorAll(".gallery")) {
      const figures = [...gallery.querySelectorAll("figure")];
      const known = figures.map(figure =>
        [...figure.querySelectorAll(".known")].map(part => part.textContent));
      const count = document.createElement("output");
      const choices = [...gallery.querySelectorAll(".property")].map((name, place) => {
        const label = document.createElement("label");
        const select = document.createElement("select");
        const values = [...new Set(known.map(values => values[place]))].sort((a, b) =>
          a.localeCompare(b, undefined, {numeric: true}));
        select.append(new Option("all", ""), ...values.map(value => new Option(value, "=" + value)));
        label.append(name.textContent + " ", select);
        name.replaceWith(label);
        return select;
      });
      const show = () => {
        figures.forEach((figure, index) => {
          figure.hidden = !choices.every((choice, place) =>
            ["", "=" + known[index][place]].includes(choice.value));
        });
        const shown = figures.filter(figure => !figure.hidden).length;
        count.textContent = shown + " of " + figures.length;
      };
      choices.forEach(choice => choice.addEventListener("change", show));
      gallery.querySelector(".choice").append(count);
      show();
    }
    """
}
