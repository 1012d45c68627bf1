// Cards in the launcher of JupyterLab. It is written as JupyterLab loads it, so it needs no build: a container of webpack's
// module federation, which is given the modules of JupyterLab, and gives one plugin.
(() => {
  const START = "00-start.ipynb"; // the page of what to try, where `xentara-nb lab` has put it
  const CATEGORY = "Xentara";
  const OPEN_START = "xentara:what-to-try";
  const NEW_NOTEBOOK = "xentara:new-notebook";
  const FIRST_CELLS = [
    "from xentara_nb.widgets import Explorer, LoginForm\n\nlogin = LoginForm()\nlogin",
    "Explorer(login)",
  ];
  const LAST_CELL = "inventory = login.client.inventory()  # once you are logged in\ninventory";

  let modules; // of JupyterLab, by name and version

  async function shared(name) {
    const [version] = Object.values(modules[name]);
    return (await version.get())();
  }

  const cell = (source) => ({ cell_type: "code", execution_count: null, metadata: {}, outputs: [], source });

  async function makeNotebook(app, folder) {
    const { contents } = app.serviceManager;
    const { path } = await contents.newUntitled({ path: folder, type: "notebook" });
    const content = {
      cells: [...FIRST_CELLS, LAST_CELL].map(cell),
      metadata: { kernelspec: { name: "python3", display_name: "Python 3", language: "python" } },
      nbformat: 4,
      nbformat_minor: 4,
    };
    await contents.save(path, { type: "notebook", format: "json", content });
    return app.commands.execute("docmanager:open", { path, factory: "Notebook" });
  }

  async function runFirstCells(app, panel) {
    await panel.revealed;
    await panel.sessionContext.ready;
    for (const _ of FIRST_CELLS) {
      // Another notebook may have been chosen meanwhile: its cells are left alone.
      if (app.shell.currentWidget !== panel) return;
      await app.commands.execute("notebook:run-cell-and-select-next");
    }
  }

  function addNewNotebook(app, launcher, { notebookIcon }) {
    app.commands.addCommand(NEW_NOTEBOOK, {
      label: "Log in and explore",
      caption: "New notebook that logs in to a Xentara server and shows what it holds",
      icon: notebookIcon,
      execute: async ({ cwd = "" }) => {
        const panel = await makeNotebook(app, cwd);
        runFirstCells(app, panel);
        return panel; // it takes the place of the launcher
      },
    });
    launcher.add({ command: NEW_NOTEBOOK, category: CATEGORY, rank: 2 });
  }

  async function addStart(app, launcher, { infoIcon }) {
    const { content } = await app.serviceManager.contents.get("");
    if (!content.some(({ name }) => name === START)) return;
    app.commands.addCommand(OPEN_START, {
      label: "What to try",
      caption: "Open the page of what to try on the simulated plant",
      icon: infoIcon,
      execute: () => app.commands.execute("docmanager:open", { path: START }),
    });
    launcher.add({ command: OPEN_START, category: CATEGORY, rank: 1 });
  }

  async function plugin() {
    const [{ ILauncher }, icons] = await Promise.all(["@jupyterlab/launcher", "@jupyterlab/ui-components"].map(shared));
    return {
      id: "xentara-nb:launcher",
      description: "Cards of Xentara in the launcher",
      autoStart: true,
      optional: [ILauncher], // other front ends of Jupyter have none
      activate: (app, launcher) => {
        if (!launcher) return;
        addNewNotebook(app, launcher, icons);
        addStart(app, launcher, icons); // not waited for: JupyterLab starts meanwhile
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB["xentara-nb"] = {
    init: (scope) => { modules = scope; },
    get: async () => {
      const found = await plugin();
      return () => ({ __esModule: true, default: found });
    },
  };
})();
