import '../../styles/base.css'
import { createApp } from 'vue'
import MemberPage from './MemberPage.vue'

createApp(MemberPage, { arrived: 'link' }).mount('#page')
