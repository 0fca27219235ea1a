import { createApp } from "vue";
import App from "@/App.vue";
import { setSessionEndHandler, setStaleTokenHandler } from "@/api/http";
import { installElements } from "@/elements";
import { i18n } from "@/i18n";
import { watchMissingParts } from "@/lib/missing_part";
import { router, toLogin } from "@/router";
import { endSession, renewSession } from "@/state/session";
import "@/styles/base.css";

setSessionEndHandler(() => {
    endSession();
    void toLogin();
});

setStaleTokenHandler(renewSession);
watchMissingParts(router);

const app = createApp(App);
installElements(app);
app.use(i18n).use(router).mount("#app");
