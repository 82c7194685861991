import { createApp } from 'vue'
import App from './App.vue'
import { acceptGivenToken } from './composables/identity'
import { listenForInstall } from './composables/useInstall'
import { createWords, initialLanguage } from './i18n'
import { keepForOffline } from './offline/register'
import { createPages } from './router'
import './styles/tokens.css'
import './styles/base.css'
import './styles/forms.css'
import './styles/people.css'
import './styles/dialogs.css'

// Before the router looks at the address, which must not keep the token.
acceptGivenToken()

createApp(App).use(createWords(initialLanguage())).use(createPages()).mount('#app')

listenForInstall()
keepForOffline()
